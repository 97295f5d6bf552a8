import Glibc
import TestSupport
import Testing

/// How much of the suite runs: it loads the machine and measures time, so it runs by itself, when it is asked for.
enum SuiteForm: String, Sendable {
    case short, full

    /// `SERVERFS_FAULTS`; nil when the suite is not asked for.
    static let asked: SuiteForm? = getenv("SERVERFS_FAULTS").flatMap { SuiteForm(rawValue: String(cString: $0)) }

    /// `SERVERFS_FAULT`: only the faults with this in their name.
    static let only: String = getenv("SERVERFS_FAULT").map { String(cString: $0) } ?? ""

    /// `SERVERFS_SOAK_MINUTES`
    static let soakMinutes: Double? = getenv("SERVERFS_SOAK_MINUTES").flatMap { Double(String(cString: $0)) }
}

/// Everything that can be done to serverfs, and what must come of it: no hang, no wrong byte, and service or the process's
/// end in time.
@Suite(
    .serialized, .onDedicatedThread, .printsTable,
    .enabled(if: Capability.mounting && Capability.isRoot, "it needs /dev/fuse and root"),
    .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test-faults installs it"))
enum FaultSuite {
    @Test(
        .enabled(if: SuiteForm.asked != nil, "it runs by itself: make test-faults, or the short form in make test"),
        .timeLimit(.minutes(15)), arguments: Fault.asked)
    static func faults(_ fault: Fault) throws {
        let row = try fault.run(SuiteForm.asked ?? .short)
        FaultTable.shared.add(row)
        #expect(row.hangs == 0, "\(fault.name): hangs")
        #expect(row.wrongBytes == 0, "\(fault.name): wrong bytes")
        for failure in row.failures { Issue.record("\(failure)") }
    }
}

extension Fault {
    static let asked = all.filter { SuiteForm.only.isEmpty || $0.name.range(ofText: SuiteForm.only) != nil }

    static let all: [Fault] =
        endings + crashes + mountLosses + pauses + docroots + symbolicLinks + layouts + backings + resources + threads
        + descriptors + kernels
}

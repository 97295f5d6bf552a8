import Glibc
import Platform
import TestSupport

/// A process of a trial, told from a later one that has its number by when it was started.
struct TrackedProcess: Hashable, Sendable {
    let identifier: pid_t
    private let startTicks: UInt64

    /// nil when there is no such process.
    init?(_ identifier: pid_t) {
        guard let fields = Self.fields("/proc/\(identifier)/stat") else { return nil }
        self.identifier = identifier
        startTicks = UInt64(fields[19]) ?? 0
    }

    /// Whether it still is; one that has ended and is not waited for is not.
    var exists: Bool {
        guard let fields = Self.fields("/proc/\(identifier)/stat") else { return false }
        return UInt64(fields[19]) == startTicks && fields[0] != "Z" && fields[0] != "X"
    }

    var name: String { ProcessFacts.name(identifier) }

    /// The threads that are in state D (uninterruptible sleep) now.
    var stuckThreads: Set<String> {
        guard exists else { return [] }
        let threads = PrivateFolder.names(in: "/proc/\(identifier)/task")
        return Set(
            threads.filter { Self.fields("/proc/\(identifier)/task/\($0)/stat")?.first == "D" }
                .map { "\(name)/\(ProcessFacts.name(identifier, thread: $0))" })
    }

    func signal(_ number: CInt) {
        if exists { kill(identifier, number) }
    }

    /// The process and all that it has started, directly or not.
    static func family(of identifier: pid_t) -> Set<TrackedProcess> {
        var parents: [pid_t: pid_t] = [:]
        for name in PrivateFolder.names(in: "/proc") {
            guard let process = pid_t(name), let fields = fields("/proc/\(process)/stat") else { continue }
            parents[process] = pid_t(fields[1])
        }
        var family: Set<pid_t> = [identifier]
        var hasGrown = true
        while hasGrown {
            let children = parents.filter { family.contains($0.value) }.keys
            hasGrown = !family.isSuperset(of: children)
            family.formUnion(children)
        }
        return Set(family.compactMap { TrackedProcess($0) })
    }

    /// The fields of a stat file behind the name, which may hold anything: state, parent, …
    private static func fields(_ path: String) -> [Substring]? {
        let text = ProcessFacts.text(path)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 20 ? fields : nil
    }
}

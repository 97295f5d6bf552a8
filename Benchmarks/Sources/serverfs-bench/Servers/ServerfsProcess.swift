import Glibc

/// serverfs on a docroot, listening through its mount and past it. `end` ends it, and its mount with it.
final class ServerfsProcess {
    /// Counters and context switches at one moment between two runs.
    struct Snapshot {
        var counters: ServerfsCounters
        var switches: ContextSwitches
    }

    let banner: ServerfsBanner
    private let process: ChildProcess

    static func arguments(docroot: String, _ more: [String]) -> [String] {
        [docroot, "--listen", "127.0.0.1:0", "--listen-bypass", "127.0.0.1:0"] + more
    }

    /// Gives the server when it is ready. `name` names its files.
    init(
        _ name: String, executable: String, docroot: String, arguments: [String], in directory: TemporaryDirectory
    ) throws {
        process = try ChildProcess(
            name, executable, Self.arguments(docroot: docroot, arguments), in: directory)
        do {
            banner = try Self.waitForBanner(process)
        } catch {
            process.end()
            throw error
        }
    }

    func end() {
        process.end()
        if AbandonedMount.exists(at: banner.mountPoint) {
            AbandonedMount.remove(banner.mountPoint)
            process.end()
        }
        if let ending = process.ending, ending != .exited(0) {
            note("serverfs did not end as it should (\(ending)): \(complaints)")
        }
    }

    /// Taken once all is quiet: when wrk leaves, responses are still under way, and the kernel sends RELEASE later.
    /// Printing the counters is the work of another thread, so it does not show in the switches.
    func snapshot() throws -> Snapshot {
        let deadline = Deadline(after: .seconds(5))
        var earlier = try counters()
        while true {
            try Interrupt.pause(milliseconds: 20)
            let counters = try counters()
            if counters == earlier {
                return Snapshot(counters: counters, switches: ContextSwitches(ofProcess: process.pid))
            }
            guard !deadline.hasPassed else {
                throw BenchFailure(.runFailed, "serverfs is still busy 5 s after wrk has left")
            }
            earlier = counters
        }
    }

    /// What it has said on standard error beside the counters.
    private var complaints: String {
        let lines = process.errorOutput.split(separator: "\n")
        return lines.filter { !$0.hasPrefix("#") && !$0.hasPrefix("serverfs_") }.joined(separator: "\n")
    }

    private func counters() throws -> ServerfsCounters {
        let before = process.errorOutput.utf8.count
        process.signal(SIGUSR1)
        let deadline = Deadline(after: .seconds(5))
        while true {
            let printed = String(decoding: process.errorOutput.utf8.dropFirst(before), as: UTF8.self)
            if printed.hasSuffix("# EOF\n") {
                guard let counters = ServerfsCounters(parsing: printed) else {
                    throw BenchFailure(.runFailed, "the counters of serverfs lack what is looked for:\n\(printed)")
                }
                return counters
            }
            if let ending = process.poll() {
                throw BenchFailure(.runFailed, "serverfs ended while it was measured (\(ending)): \(complaints)")
            }
            guard !deadline.hasPassed else {
                throw BenchFailure(.runFailed, "serverfs did not print its counters within 5 s of SIGUSR1")
            }
            try Interrupt.pause(milliseconds: 5)
        }
    }

    private static func waitForBanner(_ process: ChildProcess) throws -> ServerfsBanner {
        let deadline = Deadline(after: .seconds(10))
        while true {
            if let banner = ServerfsBanner(parsing: process.output) { return banner }
            if let ending = process.poll() {
                throw BenchFailure(
                    .runFailed, "serverfs does not start (\(ending)): \(process.output)\(process.errorOutput)")
            }
            guard !deadline.hasPassed else {
                throw BenchFailure(.runFailed, "serverfs is not ready after 10 s; its banner: \(process.output)")
            }
            try Interrupt.pause(milliseconds: 5)
        }
    }
}

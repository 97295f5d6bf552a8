import Glibc

/// serverfs, serving or mounting, in a process of its own. `end` ends it, and its mount with it.
final class ServerfsProcess {
    /// Counters and context switches at one moment between two runs.
    struct Snapshot {
        var metrics: ServerfsMetrics
        var switches: ContextSwitches
    }

    let banner: ServerfsBanner
    private let process: ChildProcess

    var pid: pid_t { process.pid }

    /// The arguments that serve `docroot` through a mount and past it.
    static func serving(_ docroot: String, _ more: [String]) -> [String] {
        [docroot, "--listen", "127.0.0.1:0", "--listen-bypass", "127.0.0.1:0", "--admin", "127.0.0.1:0"] + more
    }

    /// The arguments that only mount `docroot`.
    static func mounting(_ docroot: String, on mountPoint: String, _ more: [String]) -> [String] {
        ["mount", docroot, mountPoint] + more
    }

    /// Gives the process when it is ready.
    ///
    /// - Parameters:
    ///   - name: names its files.
    ///   - descriptorLimit: RLIMIT_NOFILE, which it cannot raise again; nil leaves it as it is.
    /// - Throws: `StartRefusal` when it says why it will not start so.
    init(
        _ name: String, executable: String, arguments: [String], descriptorLimit: Int? = nil,
        in directory: TemporaryDirectory
    ) throws {
        if let descriptorLimit {
            let prlimit = try Executable.required("prlimit", package: "util-linux")
            process = try ChildProcess(
                name, prlimit, ["--nofile=\(descriptorLimit):\(descriptorLimit)", executable] + arguments, in: directory
            )
        } else {
            process = try ChildProcess(name, executable, arguments, in: directory)
        }
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

    /// Turns one of its switches over, which is a resource of its operator's side.
    func turn(_ name: String, on isOn: Bool) throws {
        _ = try HTTPClient.text("PUT", try adminURL(name), body: isOn ? "on" : "off")
    }

    /// The counters, for what comes before and after them: they are the work of a thread that serves nobody, and not parsed here.
    func metricsText() throws -> String { try HTTPClient.text("GET", try adminURL("metrics")) }

    private func adminURL(_ resource: String) throws -> String {
        guard let url = banner.adminURL else {
            throw BenchFailure(.runFailed, "serverfs does not say where its operator's side is")
        }
        return url + resource
    }

    /// Taken once all is quiet: when wrk leaves, responses are still under way, and the kernel sends RELEASE later.
    /// Printing the counters is the work of another thread, so it does not show in the switches.
    func snapshot() throws -> Snapshot {
        let deadline = Deadline(after: .seconds(5))
        var earlier = try metrics()
        while true {
            try Interrupt.pause(milliseconds: 20)
            let metrics = try metrics()
            if metrics.traffic == earlier.traffic {
                return Snapshot(metrics: metrics, switches: ContextSwitches(ofProcess: process.pid))
            }
            guard !deadline.hasPassed else {
                throw BenchFailure(.runFailed, "serverfs is still busy 5 s after its load has left")
            }
            earlier = metrics
        }
    }

    func metrics() throws -> ServerfsMetrics {
        let before = process.errorOutput.utf8.count
        process.signal(SIGUSR1)
        let deadline = Deadline(after: .seconds(5))
        while true {
            let printed = String(decoding: process.errorOutput.utf8.dropFirst(before), as: UTF8.self)
            if let metrics = ServerfsMetrics(parsing: printed) { return metrics }
            if let ending = process.poll() {
                throw BenchFailure(.runFailed, "serverfs ended while it was measured (\(ending)): \(complaints)")
            }
            guard !deadline.hasPassed else {
                throw BenchFailure(.runFailed, "serverfs did not print its counters within 5 s of SIGUSR1")
            }
            try Interrupt.pause(milliseconds: 5)
        }
    }

    /// What it has said on standard error beside the counters.
    private var complaints: String {
        let lines = process.errorOutput.split(separator: "\n")
        return lines.filter { !$0.hasPrefix("#") && !$0.hasPrefix("serverfs_") }.joined(separator: "\n")
    }

    private static func waitForBanner(_ process: ChildProcess) throws -> ServerfsBanner {
        let deadline = Deadline(after: .seconds(10))
        while true {
            if let banner = ServerfsBanner(parsing: process.output) { return banner }
            if let ending = process.poll() {
                if let refusal = StartRefusal(ending, errorOutput: process.errorOutput) { throw refusal }
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

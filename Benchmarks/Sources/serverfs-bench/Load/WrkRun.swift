/// wrk with its options; each call of `run` is one process from start to end.
struct WrkRun {
    struct Load {
        var threads: Int
        var connections: Int
        var seconds: Int

        var arguments: [String] { ["-t\(threads)", "-c\(connections)", "-d\(seconds)s"] }
    }

    let executable: String
    let directory: TemporaryDirectory
    private var count = 0

    init(executable: String, directory: TemporaryDirectory) {
        self.executable = executable
        self.directory = directory
    }

    /// Puts the load on what `workload` names below `base`, a URL with the slash at the end. Throws if the figures are not
    /// to be used.
    mutating func run(_ load: Load, base: String, _ workload: Workload) throws -> WrkReport {
        count += 1
        let url = base + workload.path
        let script = workload.script.map { ["-s", $0] } ?? []
        let process = try ChildProcess("wrk-\(count)", executable, load.arguments + script + [url], in: directory)
        defer { process.end() }

        // Beyond its time, wrk only waits for its threads.
        guard let ending = try process.wait(atMost: .seconds(load.seconds + 30)) else {
            throw BenchFailure(.runFailed, "wrk on \(url) has not ended 30 s after its \(load.seconds) s")
        }
        guard ending == .exited(0) else {
            throw BenchFailure(.runFailed, "wrk on \(url) failed (\(ending)): \(process.output)\(process.errorOutput)")
        }
        let report: WrkReport
        do {
            report = try WrkReport(parsing: process.output)
        } catch {
            throw BenchFailure(.runFailed, "wrk on \(url) printed something unexpected: \(error)\n\(process.output)")
        }
        if let defect = report.defect(fileBytes: workload.fileBytes) {
            throw BenchFailure(.runFailed, "the run on \(url) does not count: \(defect)")
        }
        return report
    }
}

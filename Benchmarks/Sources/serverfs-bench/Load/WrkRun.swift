/// wrk with its options. Each run is a process of its own.
struct WrkRun {
    struct Load {
        var threads: Int
        var connections: Int
        /// Of a run, or of what a run gives to each of two ways.
        var seconds: Int

        var connectionArguments: [String] { ["-t\(threads)", "-c\(connections)"] }
        var arguments: [String] { connectionArguments + ["-d\(seconds)s"] }
    }

    let executable: String
    let directory: TemporaryDirectory
    private var count = 0

    init(executable: String, directory: TemporaryDirectory) {
        self.executable = executable
        self.directory = directory
    }

    /// Puts the load on what `workload` names below `base`, a URL with the slash at the end, and waits until it is over. Throws
    /// if the figures are not to be used.
    mutating func run(_ load: Load, base: String, _ workload: Workload) throws -> WrkReport {
        let wrk = try start(load, base: base, workload)
        defer { wrk.end() }
        return try wrk.report()
    }

    /// Begins such a run. Whoever starts one calls `end`, whatever happens.
    mutating func start(_ load: Load, base: String, _ workload: Workload) throws -> RunningWrk {
        count += 1
        let url = base + workload.path
        let script = workload.script.map { ["-s", $0] } ?? []
        let process = try ChildProcess("wrk-\(count)", executable, load.arguments + script + [url], in: directory)
        return RunningWrk(process, url: url, seconds: load.seconds, fileBytes: workload.fileBytes)
    }
}

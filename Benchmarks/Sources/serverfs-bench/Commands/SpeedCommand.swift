import ArgumentParser

/// The speed table: mount, bypass and nginx under wrk in turn, for one file and for many.
struct SpeedCommand: Measurement {
    static let configuration = CommandConfiguration(
        commandName: "speed",
        abstract: "Measure mount and bypass side by side with wrk, and judge the targets (the default command).",
        discussion: """
            Mount and bypass take turns of 0.2 s under one running wrk, in one process: `PUT /bypass` turns it over. nginx, \
            where a series has one, gets a wrk of its own. Ratios are taken within a round, and each round has new servers; \
            the median counts. Then a large file is served once for each way of opening it, to see how often its bytes \
            are in the page cache.
            """)

    @OptionGroup var server: ServerfsOption
    @OptionGroup var loadOptions: LoadOptions

    @Option(help: "How many pairs of mount and bypass are measured, each on a serverfs of its own, after a warm-up.")
    var pairs = 9

    @Option(help: "How long each of a pair is measured, in turns of 0.2 s; telemetry twice as long.")
    var seconds = 4

    @Option(help: "Measure only the series whose name contains this, of both workloads.")
    var series = ""

    func validate() throws {
        guard (Plan.oneFile + Plan.filesInTurn).contains(where: isWanted) else {
            throw ValidationError("there is no series whose name contains \(series).")
        }
        try check("pairs", pairs, within: 1...1000)
        try check("seconds", seconds, within: 1...3600)
    }

    func measure() throws {
        let serverfs = try server.executable()
        let wrk = try Executable.required("wrk", package: "wrk")
        let nginx = try Executable.required("nginx", package: "nginx-light")
        let oneFile = try loadOptions.oneFile()
        let directory = try TemporaryDirectory()
        defer { directory.remove() }

        let load = loadOptions.load(seconds: seconds)
        var benchmark = Benchmark(
            serverfs: serverfs, nginx: nginx, load: load, rounds: pairs, renewsServers: true, directory: directory,
            wrk: WrkRun(executable: wrk, directory: directory))
        let machine = try Machine.line(
            [
                .init(name: "wrk", path: wrk, option: "-v"), .init(name: "nginx", path: nginx, option: "-v"),
                .init(name: "serverfs", path: serverfs, option: "--version"),
            ], in: directory)
        let filesInTurn = try Workload.filesInTurn(
            count: Plan.filesInTurnCount, fileBytes: Plan.filesInTurnBytes, in: directory)

        // The page cache is measured with everything else, or not at all.
        let memory = series.isEmpty ? try PageCacheMeasurement(serverfs: serverfs, directory: directory).report() : nil
        let reports = [
            try measure(Plan.oneFile, on: oneFile, &benchmark),
            try measure(Plan.filesInTurn, on: filesInTurn, &benchmark),
        ].filter { !$0.results.isEmpty || !$0.refused.isEmpty }

        for report in reports {
            print(report.throughput.text)
            print(report.costs.text)
        }
        print(SpeedReport.explanation)
        if let memory { print(memory.table.text) }
        let title = "requests/s: median of \(pairs) pairs"
        print(Verdict.table(title, reports.flatMap(\.verdicts) + (memory?.verdicts ?? [])).text)
        print("Machine: \(machine)\n")
        print("Command: \(shellCommand(CommandLine.arguments))\n")
        printSeries(reports)
        for (strategy, reason) in memory?.refused ?? [] { print("- not measured: page cache, \(strategy): \(reason)") }
    }

    private func isWanted(_ candidate: Series) -> Bool { series.isEmpty || candidate.name.contains(series) }

    private func measure(
        _ plan: [Series], on workload: Workload, _ benchmark: inout Benchmark
    ) throws -> SpeedReport {
        var report = SpeedReport(
            results: [], load: shellCommand(["wrk"] + benchmark.load.connectionArguments), workload: workload)
        for series in plan.filter(isWanted) {
            do {
                report.results.append(try benchmark.run(series, on: workload))
            } catch let refusal as StartRefusal where series.mayBeRefused {
                note("\(series.name): not measured: \(refusal.reason)")
                report.refused.append((series, refusal.reason))
            }
        }
        return report
    }

    /// How serverfs was started, and what it said; once where both workloads have the same series.
    private func printSeries(_ reports: [SpeedReport]) {
        var printed: Set<String> = []
        for result in reports.flatMap(\.results) {
            let arguments = ServerfsProcess.serving("DOCROOT", result.series.serverfsArguments)
            let command = shellCommand(["serverfs"] + arguments)
            let line = "- \(result.series.name): `\(command)`: \(result.banner.strategies)"
            if printed.insert(line).inserted { print(line) }
        }
        for (series, reason) in reports.flatMap(\.refused) { print("- not measured: \(series.name): \(reason)") }
    }
}

import ArgumentParser

/// Every combination of the mount's strategies, measured against its own bypass.
struct MatrixCommand: Measurement {
    static let configuration = CommandConfiguration(
        commandName: "matrix",
        abstract: "Measure every combination of strategies that serverfs starts with, and list the others.",
        discussion: "With the options' own values, five pairs of runs take about 24 minutes.")

    @OptionGroup var server: ServerfsOption
    @OptionGroup var loadOptions: LoadOptions

    @Option(help: "How many pairs of mount and bypass are measured for each combination, after a warm-up.")
    var pairs = 5

    @Option(help: "How long each of a pair is measured, in turns of 0.2 s.")
    var seconds = 1

    @Option(help: "Only combinations with this value, such as stateless or watched; repeatable.")
    var only: [String] = []

    func validate() throws {
        try check("pairs", pairs, within: 1...1000)
        try check("seconds", seconds, within: 1...3600)
        if selection.isEmpty {
            throw ValidationError("No combination has \(only.joined(separator: " and ")).")
        }
    }

    private var selection: [Combination] { Combination.all.filter { $0.has(only) } }

    func measure() throws {
        let serverfs = try server.executable()
        let wrk = try Executable.required("wrk", package: "wrk")
        let workload = try loadOptions.oneFile()
        let directory = try TemporaryDirectory()
        defer { directory.remove() }

        let load = loadOptions.load(seconds: seconds)
        var benchmark = Benchmark(
            serverfs: serverfs, nginx: nil, load: load, rounds: pairs, renewsServers: false, directory: directory,
            wrk: WrkRun(executable: wrk, directory: directory))
        let machine = try Machine.line(
            [
                .init(name: "wrk", path: wrk, option: "-v"),
                .init(name: "serverfs", path: serverfs, option: "--version"),
            ], in: directory)
        var report = MatrixReport(subject: "\(shellCommand(["wrk"] + load.connectionArguments)), \(workload.name)")

        let allowed = try sort(selection, into: &report, serverfs, workload.docroot, directory)
        let series = allowed.flatMap { [($0, true), ($0, false)] }
        note("\(series.count) rows, about \(minutes(ofRows: series.count)) minutes")
        for (number, (combination, openFileCache)) in series.enumerated() {
            note("row \(number + 1) of \(series.count)")
            let outcome = try outcome(of: combination.series(openFileCache: openFileCache), workload, &benchmark)
            report.rows.append(
                MatrixRow(combination: combination, openFileCache: openFileCache, outcome: outcome))
        }

        print("\(report.subject), \(pairs) pairs a row\n")
        print(report.table.text)
        if !report.refused.isEmpty { print(report.refusals.text) }
        for remark in report.remarks { print("- \(remark)") }
        print("Machine: \(machine)\n\nCommand: \(shellCommand(CommandLine.arguments))")
    }

    /// Starts each combination once, and gives those that start.
    private func sort(
        _ combinations: [Combination], into report: inout MatrixReport, _ serverfs: String, _ docroot: String,
        _ directory: TemporaryDirectory
    ) throws -> [Combination] {
        var allowed: [Combination] = []
        for combination in combinations {
            do {
                let process = try ServerfsProcess(
                    "start-\(combination.values.joined(separator: "-"))", executable: serverfs,
                    arguments: ServerfsProcess.serving(docroot, combination.arguments), in: directory)
                process.end()
                allowed.append(combination)
            } catch let refusal as StartRefusal {
                report.refused.append((combination, refusal.reason))
            }
        }
        return allowed
    }

    /// A row that fails does not take the others with it.
    private func outcome(
        of series: Series, _ workload: Workload, _ benchmark: inout Benchmark
    ) throws -> MatrixRow.Outcome {
        do {
            return .measured(try benchmark.run(series, on: workload))
        } catch let failure as BenchFailure {
            if case .interrupted = failure.cause { throw failure }
            note("\(series.name): \(failure.message)")
            return .failed(failure.message)
        } catch let refusal as StartRefusal {
            return .failed("does not start: \(refusal.reason)")
        }
    }

    /// A turn takes some 15 % more than what counts of it; warming up takes 1 s a pair, starting and ending 1 s a row.
    private func minutes(ofRows count: Int) -> String {
        let secondsPerRow = 1 + Double(pairs) * (2.3 * Double(seconds) + 1)
        return fixed((Double(count) * secondsPerRow / 60).rounded(.up), decimals: 0)
    }
}

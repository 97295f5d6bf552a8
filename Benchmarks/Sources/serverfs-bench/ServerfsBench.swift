import ArgumentParser
import FoundationEssentials

/// The command line: measures everything in the plan and prints the report.
@main
struct ServerfsBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serverfs-bench",
        abstract: "Measures what the FUSE mount of serverfs costs, with wrk, side by side with the bypass and nginx.",
        discussion: """
            wrk is run on the mount, the bypass and nginx in turn, round by round, with serverfs's open-file cache on \
            and then off. Ratios are taken within a round; their median counts. The report goes to standard output, \
            the progress to standard error.

            Exit status: 0 when every target is met, 1 when one is not, 66 when there is no such file, 69 when a \
            program is missing, 70 when a run failed or wrk reported errors, 128 and the signal's number when ended \
            by a signal.
            """)

    @Option(help: "The serverfs to measure.")
    var serverfs = ".build/release/serverfs"

    @Option(help: "The directory to serve.")
    var docroot = "www"

    @Option(help: "The file to ask for, below the docroot.")
    var file = "index.html"

    @Option(help: "How often each is measured, after a warm-up.")
    var rounds = 5

    @Option(help: "The length of one run of wrk.")
    var seconds = 4

    @Option(help: "The connections of wrk.")
    var connections = 400

    @Option(help: "The threads of wrk.")
    var threads = 2

    @Flag(help: "Exit with status 0 even if a target is not met.")
    var reportOnly = false

    func validate() throws {
        for (name, value, allowed) in [
            ("rounds", rounds, 1...1000), ("seconds", seconds, 1...3600), ("threads", threads, 1...64),
            ("connections", connections, 1...4000),
        ] where !allowed.contains(value) {
            throw ValidationError("--\(name) must be from \(allowed.lowerBound) to \(allowed.upperBound).")
        }
        if connections < threads { throw ValidationError("wrk needs at least one connection a thread.") }
    }

    func run() throws {
        Interrupt.prepare()
        do {
            let met = try measureAndPrint()
            guard met || reportOnly else { throw ExitCode(1) }
        } catch let failure as BenchFailure {
            note(failure.message)
            throw ExitCode(failure.cause.exitStatus)
        }
    }

    /// Gives whether every requirement is met.
    private func measureAndPrint() throws -> Bool {
        let wrk = try Executable.required("wrk", package: "wrk")
        let nginx = try Executable.required("nginx", package: "nginx-light")
        guard FileManager.default.isExecutableFile(atPath: serverfs) else {
            throw BenchFailure(.unavailable, "there is no serverfs at \(serverfs): run `make build`")
        }
        let docrootPath = URL(filePath: docroot).standardizedFileURL.path
        guard let fileBytes = regularFileBytes("\(docrootPath)/\(file)") else {
            throw BenchFailure(.noInput, "there is no file \(file) in \(docroot)")
        }

        let directory = try TemporaryDirectory()
        defer { directory.remove() }

        let load = WrkRun.Load(threads: threads, connections: connections, seconds: seconds)
        var benchmark = Benchmark(
            serverfs: serverfs, nginx: nginx, docroot: docrootPath, path: file, fileBytes: fileBytes, load: load,
            rounds: rounds, directory: directory, wrk: WrkRun(executable: wrk, directory: directory))
        let loadText = shellCommand(["wrk"] + load.arguments)
        let machine = try Machine.line(wrk: wrk, nginx: nginx, serverfs: serverfs, in: directory)

        var results: [SeriesResult] = []
        for series in Plan.series {
            results.append(try benchmark.run(series))
        }
        let report = Report(
            results: results, subject: "\(loadText), \(docroot)/\(file) (\(grouped(Double(fileBytes))) bytes)")

        print(report.throughput.text)
        print(report.costs.text)
        print(report.targets.text)
        print("Machine: \(machine)\n")
        print("Command: \(shellCommand(CommandLine.arguments))\n")
        for result in results {
            let arguments = ServerfsProcess.arguments(docroot: docroot, result.series.serverfsArguments)
            print("- \(result.series.name): `\(shellCommand(["serverfs"] + arguments))`: \(result.banner.strategies)")
        }
        return report.allRequirementsMet
    }
}

import ArgumentParser
import FoundationEssentials

/// A command that measures: signals are heard where it waits, and failures end it with their own status.
protocol Measurement: ParsableCommand {
    func measure() throws
}

extension Measurement {
    func run() throws {
        Interrupt.prepare()
        do {
            try measure()
        } catch let failure as BenchFailure {
            note(failure.message)
            throw ExitCode(failure.cause.exitStatus)
        } catch let refusal as StartRefusal {
            note("serverfs refuses to start: \(refusal.reason)")
            throw ExitCode(BenchFailure.Cause.unavailable.exitStatus)
        }
    }
}

/// The serverfs that is measured.
struct ServerfsOption: ParsableArguments {
    @Option(help: "The serverfs to measure.")
    var serverfs = ".build/release/serverfs"

    func executable() throws -> String {
        guard FileManager.default.isExecutableFile(atPath: serverfs) else {
            throw BenchFailure(.unavailable, "there is no serverfs at \(serverfs): run `make build`")
        }
        return serverfs
    }
}

/// What wrk does, beside how often and how long.
struct LoadOptions: ParsableArguments {
    @Option(help: "The directory to serve.")
    var docroot = "www"

    @Option(help: "The file to ask for, below the docroot.")
    var file = "index.html"

    @Option(help: "The connections of wrk.")
    var connections = 400

    @Option(help: "The threads of wrk.")
    var threads = 2

    func validate() throws {
        try check("threads", threads, within: 1...64)
        try check("connections", connections, within: 1...4000)
        if connections < threads { throw ValidationError("wrk needs at least one connection a thread.") }
    }

    func load(seconds: Int) -> WrkRun.Load {
        WrkRun.Load(threads: threads, connections: connections, seconds: seconds)
    }

    /// The one file, again and again.
    func oneFile() throws -> Workload {
        let docrootPath = URL(filePath: docroot).standardizedFileURL.path
        guard let fileBytes = regularFileBytes("\(docrootPath)/\(file)") else {
            throw BenchFailure(.noInput, "there is no file \(file) in \(docroot)")
        }
        return Workload(
            name: "\(docroot)/\(file) (\(grouped(Double(fileBytes))) bytes)", shortName: "\(docroot)/\(file)",
            docroot: docrootPath, path: file, paths: [file], fileBytes: fileBytes)
    }
}

/// Refuses the value of an option that is out of its range.
func check(_ option: String, _ value: Int, within allowed: ClosedRange<Int>) throws {
    guard allowed.contains(value) else {
        throw ValidationError("--\(option) must be from \(allowed.lowerBound) to \(allowed.upperBound).")
    }
}

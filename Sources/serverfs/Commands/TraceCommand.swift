import ArgumentParser

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Record what a running serverfs does, as a time line that ui.perfetto.dev shows.")

    @Option(help: "How long it records.")
    var seconds = 5.0

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where the trace goes; - for the standard output.", valueName: "file"))
    var output = "trace.json"

    @Option(
        help: ArgumentHelp(
            "Record one HTTP request in this many. (default: as many as there is room for)", valueName: "n"))
    var sample: UInt64?

    @OptionGroup(title: "The running serverfs")
    var client: AdminClientOptions

    /// Seconds for the server to write what it has recorded.
    private static let writingSeconds = 60

    func validate() throws {
        guard seconds > 0, seconds <= 600 else { throw ValidationError("--seconds must be more than 0, at most 600.") }
        if let sample, !(1...1_000_000_000).contains(sample) {
            throw ValidationError("--sample must be from 1 to 1000000000.")
        }
    }

    func run() throws { try StandardError.reporting { try record() } }

    private func record() throws {
        let file = try OutputFile(output)
        let connection = try client.connect(timeoutSeconds: Int(seconds.rounded(.up)) + Self.writingSeconds)
        let query = "seconds=\(seconds)" + (sample.map { "&sample=\($0)" } ?? "")
        let body = try connection.begin("POST", "/trace?\(query)")
        var count = 0
        try connection.receive(body) { (piece) throws(AdminFailure) in
            try file.write(piece)
            count += piece.count
        }
        try file.commit()
        if output != "-" { StandardError.say("\(output): \(count) bytes, to be opened in ui.perfetto.dev") }
    }
}

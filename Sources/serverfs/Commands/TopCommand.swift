import ArgumentParser
import FoundationEssentials
import Glibc

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what a running serverfs does, again and again, until Ctrl-C.",
        discussion: """
            A page where the standard output is a terminal, and a line each time where it is not. Latencies are those of the \
            last second, and for FUSE requests those since the start.
            """)

    @Option(help: "Seconds between two looks.")
    var interval = 1.0

    @Option(help: ArgumentHelp("How often it looks. (default: for ever)", valueName: "n"))
    var count: Int?

    @OptionGroup(title: "The running serverfs")
    var client: AdminClientOptions

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else { throw ValidationError("--interval must be from 0.1 to 3600.") }
        if let count, count < 1 { throw ValidationError("--count must be 1 at least.") }
    }

    func run() throws { try StandardError.reporting { try show() } }

    private func show() throws {
        var before = try look()
        let screen = TerminalScreen.isTerminal ? try TerminalScreen() : nil
        defer { screen?.leave() }
        let output = try OutputFile("-")
        var looks = 0
        while looks < count ?? .max {
            // The first page does not keep anybody waiting for long.
            usleep(UInt32((looks == 0 ? min(interval, 1) : interval) * 1e6))
            let now = try look()
            let page = TopPage(figures: TopFigures(before, now), address: "\(client.admin.address)")
            if let screen {
                screen.show(page.lines)
            } else {
                try output.write(Array("\(page.line)\n".utf8)[...])
            }
            before = now
            looks += 1
        }
    }

    private func look() throws -> TopStatus {
        let connection = try client.connect()
        let bytes = try connection.receiveAll(try connection.begin("GET", "/status"))
        do {
            return try JSONDecoder().decode(TopStatus.self, from: Data(bytes))
        } catch {
            throw AdminFailure(description: "\(client.admin.address) answers with a status of another version")
        }
    }
}

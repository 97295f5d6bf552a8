import ArgumentParser
import ServerCore

@main
struct Serverfs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serverfs",
        abstract: "Serves files over HTTP through a FUSE mount of its own, so that what FUSE costs can be measured.",
        discussion: """
            Start it on a docroot, point a load generator at it, and compare with the bypass: a second listener \
            (--listen-bypass), no mount at all (--bypass), or SIGUSR2, which turns the bypass of the running server \
            over. SIGUSR1 prints all counters to standard error. SIGTERM and SIGINT end it, and its mount with it.
            """,
        version: Version.current,
        subcommands: [
            ServeCommand.self, MountCommand.self, CostCommand.self, TraceCommand.self, TopCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}

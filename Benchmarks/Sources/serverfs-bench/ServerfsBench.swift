import ArgumentParser
import FoundationEssentials

/// The command line: one command a question, and each prints its tables.
@main
struct ServerfsBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serverfs-bench",
        abstract: "Measures what the FUSE mount of serverfs costs.",
        discussion: """
            The tables go to standard output, the progress to standard error. A target that is missed is printed as \
            missed, and the exit status is 0 all the same: what was measured is the result.

            Exit status: 66 when there is no such file, 69 when a program or a privilege is missing, 70 when a run \
            failed or wrk reported errors, 128 and the signal's number when ended by a signal.
            """,
        subcommands: [SpeedCommand.self, MatrixCommand.self, ScaleCommand.self, VisitCommand.self],
        defaultSubcommand: SpeedCommand.self)
}

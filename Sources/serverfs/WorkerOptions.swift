import ArgumentParser
import HTTPServer
import ServerCore

extension SendStrategy: ExpressibleByArgument {}

/// How files are served, for the commands that serve.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Event loops, each on a thread of its own: 1 to 64.")
    var workers = 2

    @Option(
        help: ArgumentHelp(
            "Files each worker keeps open between requests, or off. (default: 1024; seed: off)", valueName: "n|off"))
    var openFileCache: OpenFileCacheOption?

    @Option(help: "How a body gets from its file to the socket.")
    var send = SendStrategy.auto

    func validate() throws {
        guard (1...64).contains(workers) else { throw ValidationError("--workers must be from 1 to 64.") }
    }

    /// To be called after the profile has made its choices.
    func apply(to configuration: inout ServerConfiguration) {
        configuration.workers = workers
        if let openFileCache { configuration.openFileCacheCapacity = openFileCache.capacity }
        configuration.send = send
    }
}

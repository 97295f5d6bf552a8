import ArgumentParser
import HTTPServer
import ServerCore

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a docroot over HTTP (the default command).")

    @Argument(help: "The folder to serve.")
    var docroot = "www"

    @Option(help: ArgumentHelp("Serve through the mount on this address; repeatable.", valueName: "host:port"))
    var listen: [AddressOption] = []

    @Option(
        help: ArgumentHelp(
            "Serve directly from the docroot on this address, in the same process; repeatable.", valueName: "host:port")
    )
    var listenBypass: [AddressOption] = []

    @Flag(help: "No mount: everything is read directly from the docroot.")
    var bypass = false

    @Option(
        help: ArgumentHelp(
            "Mount on this empty folder. (default: a new private folder, removed at exit)", valueName: "dir"))
    var mountPoint: String?

    @OptionGroup
    var worker: WorkerOptions

    @OptionGroup(title: "The mount")
    var fuse: FuseOptions

    @Option(help: ArgumentHelp("Seconds that an idle connection is kept: 1 to 86400.", valueName: "seconds"))
    var keepAliveTimeout = 65

    @Option(
        help: ArgumentHelp(
            "Seconds after which a request that a file system keeps waiting is answered 504: 1 to 3600.",
            valueName: "seconds"))
    var stallTimeout = 10

    @Option(
        help: ArgumentHelp(
            "What --listen serves while the mount is gone: the docroot's files directly, 503, or nothing: it exits.",
            valueName: "bypass|503|exit"))
    var onMountLoss = MountLossPolicy.bypass

    @Option(help: "Take the times of requests; what happens is counted in either case.")
    var telemetry = Switch.on

    @Flag(help: "Say in each response what its request has cost so far (Server-Timing).")
    var serverTiming = false

    @Option(
        help: ArgumentHelp(
            "Trace all requests from the start until the end, or until the buffers are full, and write the trace here.",
            valueName: "file"))
    var traceFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The operator's address, for status, metrics, traces and the live page: http://HOST:PORT/. \
            (default: 127.0.0.1:9180, if it is free)
            """, valueName: "host:port|off"))
    var admin: AdminOption?

    @Option(
        help: ArgumentHelp(
            "A file with the token that the operator's address asks for. Without one it is a loopback address.",
            valueName: "file"))
    var adminTokenFile: String?

    func validate() throws {
        guard (1...3600).contains(stallTimeout) else {
            throw ValidationError("--stall-timeout must be from 1 to 3600 seconds.")
        }
        guard (1...86400).contains(keepAliveTimeout) else {
            throw ValidationError("--keep-alive-timeout must be from 1 to 86400 seconds.")
        }
        if bypass, mountPoint != nil {
            throw ValidationError("--bypass means no mount: it cannot be combined with --mount-point.")
        }
        if bypass, fuse.isGiven {
            throw ValidationError("--bypass means no mount: it cannot be combined with --fuse-… options.")
        }
        if let contradiction = makeConfiguration().contradiction { throw ValidationError(contradiction + ".") }
    }

    func run() throws {
        let process = try ForegroundProcess(watching: !bypass, stallSeconds: fuse.stallSeconds)
        let configuration = makeConfiguration()
        let server = try process.start {
            try Server(configuration, watchdog: process.watchdog) { process.report($0) }
        }
        process.run(server, banner: server.banner)
    }

    private func makeConfiguration() -> ServerConfiguration {
        var configuration = ServerConfiguration()
        fuse.apply(to: &configuration)
        worker.apply(to: &configuration)
        configuration.docrootPath = docroot
        configuration.listen = listen.map(\.address)
        configuration.listenBypass = listenBypass.map(\.address)
        if listen.isEmpty { configuration.listen = [ListenAddress("127.0.0.1:8080")!] }
        configuration.bypass = bypass
        configuration.mountPointPath = mountPoint
        configuration.keepAliveSeconds = keepAliveTimeout
        configuration.stallTimeoutSeconds = stallTimeout
        configuration.onMountLoss = onMountLoss
        configuration.telemetry = telemetry == .on
        configuration.serverTiming = serverTiming
        configuration.traceFilePath = traceFile
        if let admin { configuration.admin = admin.choice }
        configuration.adminTokenPath = adminTokenFile
        return configuration
    }
}

extension MountLossPolicy: ExpressibleByArgument {}

import ArgumentParser
import FuseProxy
import ServerCore

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount the proxy alone, in the foreground, so that any other server can be put in front of it.")

    @Argument(help: "The folder to show.")
    var docroot: String

    @Argument(help: "The empty folder to show it in.")
    var mountpoint: String

    @OptionGroup(title: "The mount")
    var fuse: FuseOptions

    @Option(
        help: ArgumentHelp(
            "Trace all requests from the start until the end, or until the buffers are full, and write the trace here.",
            valueName: "file"))
    var traceFile: String?

    func validate() throws {
        if let contradiction = makeProxy().contradiction { throw ValidationError(contradiction + ".") }
    }

    func run() throws {
        let process = try ForegroundProcess(watching: true, stallSeconds: fuse.stallSeconds)
        let proxy = makeProxy()
        let mount = try process.start { () throws(StartFailure) in
            try StandaloneMount(
                docrootPath: docroot, mountPointPath: mountpoint, proxy: proxy, watchdog: process.watchdog,
                traceFilePath: traceFile, report: { process.report($0) })
        }
        process.run(mount, banner: mount.banner)
    }

    private func makeProxy() -> ProxyConfiguration {
        var configuration = ServerConfiguration()
        fuse.apply(to: &configuration)
        return configuration.proxy
    }
}

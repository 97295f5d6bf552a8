import ArgumentParser
import ServerCore

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount the proxy alone, in the foreground, so that any other server can be put in front of it.")

    @Argument(help: "The folder to show.")
    var docroot: String

    @Argument(help: "The empty folder to show it in.")
    var mountpoint: String

    @Option(help: "FUSE threads: 1 to 64.")
    var fuseThreads = FuseThreads.standard

    func validate() throws {
        guard FuseThreads.range.contains(fuseThreads) else {
            throw ValidationError("--fuse-threads must be from 1 to 64.")
        }
    }

    func run() throws {
        let process = try ForegroundProcess()
        let mount = try process.start { () throws(StartFailure) in
            try StandaloneMount(docrootPath: docroot, mountPointPath: mountpoint, threads: fuseThreads)
        }
        process.run(mount, banner: mount.banner)
    }
}

import Glibc

/// A folder on a file system that stops answering when told to: a FUSE file system, shown by a `serverfs mount` of its own,
/// whose process is stopped. What the kernel keeps of it is still there.
package final class StallingFolder {
    /// To look at.
    package let path: String
    private let folder: PrivateFolder
    private let daemon: ServerProcess
    private var kept: [PinnedFile] = []

    /// - Parameters:
    ///   - files: by name.
    ///   - isCached: whether what the kernel keeps of it is still answered when it stalls.
    package init(_ files: [String: [UInt8]], in folder: PrivateFolder, isCached: Bool = true) throws {
        self.folder = folder
        let real = try folder.makeFolder("real")
        path = try folder.makeFolder("stalling")
        for (name, bytes) in files { try folder.write("real/\(name)", bytes) }
        let uncached = ["--fuse-cache", "none", "--fuse-open", "per-open"]
        daemon = try ServerProcess(
            ["mount", real, path, "--fuse-stall-timeout", "off"] + (isCached ? [] : uncached))
        // Else nothing of them would be answered without asking.
        waitUntilSettled()
    }

    // Whoever waits for it must be let go, or nothing could be ended.
    deinit { resume() }

    /// - Parameter names: of the files that are in the page cache meanwhile. Others may be, or may have been reclaimed.
    package func stall(keeping names: [String] = []) throws {
        kept = try names.map { try PinnedFile("\(path)/\($0)") }
        daemon.freeze()
    }

    package func resume() { daemon.signal(SIGCONT) }
}

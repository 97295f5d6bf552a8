import Glibc
import Platform

/// A mount namespace in which an ordinary user may open /dev/fuse, whatever its mode is outside, and so has all that
/// fusermount3(1) needs. The machine itself is not changed.
final class OrdinaryUser: Sendable {
    /// What is put in front of a command line.
    let prefix: [String]
    /// Sees what is mounted in the namespace, and keeps it.
    private let holder: ChildProcess
    private let folder: PrivateFolder
    /// TMPDIR.
    let temporaryFolder: String

    /// - Parameter preparation: a line of shell, run by root in the namespace, in a folder that only the namespace sees.
    init(preparation: String = "true") throws {
        folder = try PrivateFolder()
        temporaryFolder = try folder.makeFolder("nobodys")
        chown(temporaryFolder, User.nobodyID, User.nobodyID)
        let device = try folder.makeFolder("device")
        let script = """
            set -e
            mount -t tmpfs -o mode=755 none '\(device)'
            mknod -m 666 '\(device)/fuse' c 10 229
            mount --bind '\(device)/fuse' /dev/fuse
            cd '\(device)'
            \(preparation)
            cd /
            echo ready
            exec sleep 100000
            """
        holder = try ChildProcess(["unshare", "--mount", "bash", "-c", script], in: folder)
        let holder = holder
        let isReady = eventually(seconds: 5) { holder.output == "ready\n" }
        guard isReady else { throw ClientFailure.mismatch("no namespace: \(holder.errorOutput)") }
        prefix =
            ["nsenter", "--target", "\(holder.identifier)", "--mount"] + User.nobody.prefix
            + ["env", "TMPDIR=\(temporaryFolder)"]
    }

    /// What is mounted below `path` in the namespace.
    func mounts(below path: String) -> [MountEntry] {
        ProcessFacts.mounts(holder.identifier).filter { $0.mountPoint == path || $0.mountPoint.hasPrefix("\(path)/") }
    }

    /// Runs a program to its end, as the user or, in the same namespace, as root.
    func run(
        _ arguments: [String], asRoot: Bool = false
    ) throws -> (status: EndStatus?, output: String, error: String) {
        let root = Array(prefix.prefix(4))
        let child = try ChildProcess((asRoot ? root : prefix) + arguments, in: folder)
        let status = child.wait(seconds: 20)
        return (status, child.output, child.errorOutput)
    }
}

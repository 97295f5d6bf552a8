package import Glibc
package import Testing

/// What this machine must offer for a test to make sense.
package enum Capability {
    package static let isRoot = geteuid() == 0
    package static let mounting = access("/dev/fuse", R_OK | W_OK) == 0 && (isRoot || isInstalled("fusermount3"))

    /// Whether a mount namespace of its own can be given to a process.
    package static let mountNamespaces = isRoot && isInstalled("unshare") && succeeds(["unshare", "-m", "true"])

    /// Whether inotify can be forbidden in a user namespace of its own.
    package static let userNamespaceLimits =
        mountNamespaces
        && succeeds(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
                + ["echo 0 >/proc/sys/user/max_inotify_instances"])

    /// Whether a program may keep every other from a processor.
    package static let mayTakeProcessors = succeeds(["chrt", "-f", "90", "taskset", "-c", "0", "true"])

    /// Whether a program can be run as another user who is able to read the server's binary and libraries.
    package static let otherUsers = isRoot && succeeds(User.nobody.prefix + [ServerProcess.binaryPath, "--version"])

    /// Whether an ordinary user can mount: where udev has not let everybody open /dev/fuse, `Scripts/run-tests` does, for the tests.
    package static let ordinaryMounting =
        otherUsers && isInstalled("fusermount3") && succeeds(User.nobody.prefix + ["sh", "-c", "exec 3<>/dev/fuse"])
    package static let ordinaryMountingReason: Comment =
        "an ordinary user cannot mount: that needs fusermount3 and a /dev/fuse that all may open (make test has both)"

    package static func isInstalled(_ program: String) -> Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    private static func succeeds(_ arguments: [String]) -> Bool {
        (try? ChildProcess(arguments, in: PrivateFolder()).wait(seconds: 10)) == .exited(0)
    }
}

/// Who runs a program.
package enum User {
    case nobody

    package static let nobodyID: uid_t = 65534

    /// What is put in front of a command line.
    package var prefix: [String] {
        ["setpriv", "--reuid", "\(Self.nobodyID)", "--regid", "\(Self.nobodyID)", "--clear-groups"]
    }
}

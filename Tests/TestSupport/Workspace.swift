package import Glibc
import Platform

/// The one folder below /tmp that all private folders are in, with a guardian process: when the test process ends, also by
/// a crash, the guardian ends the processes that are left, unmounts what is left, and removes the folder.
package final class Workspace: Sendable {
    package static let shared = Workspace()

    package let path: String
    private let processesPath: String

    private static let guardian = """
        trap '' INT TERM HUP
        cat >/dev/null
        for each in "$1"/.processes/*; do [ -e "$each" ] && kill -TERM "${each##*/}"; done
        [ -n "$(ls "$1/.processes")" ] && sleep 2
        for each in "$1"/.processes/*; do [ -e "$each" ] && kill -KILL "${each##*/}"; done
        while read -r _ _ _ _ at _; do
            case $at in "$1"/*) umount -l "$(printf '%b' "$at")" ;; esac
        done </proc/self/mountinfo
        rm -rf --one-file-system "$1"
        """

    private init() {
        do throws(Errno) {
            path = try PrivateFolder.make(in: "/tmp")
            processesPath = "\(path)/.processes"
            chmod(path, 0o755)
            mkdir(processesPath, 0o755)
            // The pipe's other end is held, never written to, as long as this process lives.
            var ends: [CInt] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = try ChildProcess.spawn(
                ["bash", "-c", Self.guardian, "guardian", path], standardInput: ends[0], output: "/dev/null",
                errorOutput: "/dev/null", environment: nil)
            close(ends[0])
        } catch {
            fatalError("cannot make a folder for the tests: \(error)")
        }
    }

    /// Notes a process that must not outlive this one.
    package func register(_ process: pid_t) {
        close(open("\(processesPath)/\(process)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    }

    /// Takes that back, before the process is waited for and its number is free.
    package func unregister(_ process: pid_t) { unlink("\(processesPath)/\(process)") }

    /// Removes a tree, whatever its names are.
    package static func remove(_ path: String) {
        precondition(path.hasPrefix("/tmp/serverfs-e2e-"))
        _ = ChildProcess.run(["rm", "-rf", "--one-file-system", path])
    }
}

import Glibc
import Platform
import Testing

extension EndToEnd {
    /// `serverfs mount`: the proxy alone, read by other programs.
    @Suite(.timeLimit(.minutes(1)))
    struct MountCommandTests {
        private let folder: PrivateFolder
        private let docroot: String
        private let mountPoint: String
        private let server: ServerProcess

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            mountPoint = try folder.makeFolder("mount")
            try folder.write("docroot/file", "through the proxy")
            try folder.write("docroot/large", RandomBytes.make(30_000_000))
            _ = try folder.makeFolder("docroot/folder")
            for index in 0..<500 {
                try folder.write("docroot/folder/\(index) ü \"", RandomBytes.make(index, from: index))
            }
            symlink("../file", "\(docroot)/folder/link")
            symlink("/etc/passwd", "\(docroot)/out")
            mkfifo("\(docroot)/fifo", 0o600)
            server = try ServerProcess(["mount", docroot, mountPoint])
        }

        /// Runs a program to its end; its status and output.
        private func run(_ arguments: String...) throws -> (status: EndStatus?, output: String) {
            let child = try ChildProcess(arguments, in: folder)
            let status = child.wait(seconds: 20)
            return (status, child.output)
        }

        private func expectUnmounted() {
            #expect(PrivateFolder.mounts(below: folder.path).isEmpty)
            #expect(folder.contains("mount"))
            #expect(PrivateFolder.names(in: mountPoint).isEmpty)
        }

        @Test func otherProgramsReadThroughIt() throws {
            #expect(server.mountPoint == mountPoint)
            #expect(try run("cat", "\(mountPoint)/file").output == "through the proxy")
            #expect(try run("cmp", "\(docroot)/large", "\(mountPoint)/large").status == .exited(0))
            #expect(try run("readlink", "\(mountPoint)/out").output == "/etc/passwd\n")
            #expect(try run("cat", "\(mountPoint)/missing").status == .exited(1))
            #expect(try server.metrics().fuseReadBytes >= 30_000_000)
        }

        @Test func itShowsTheDocrootsNamesAndAttributes() throws {
            let format = "%P %y %s %m %U %G %T@ %l\\n"
            func listing(_ path: String) throws -> [Substring] {
                try run("find", path, "-printf", format).output.split(separator: "\n").sorted()
            }
            let expected = try listing(docroot)
            #expect(expected.count == 507)
            #expect(try listing(mountPoint) == expected)
            #expect(
                try run("diff", "-r", "--no-dereference", "-x", "fifo", docroot, mountPoint).status == .exited(0))
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
        func aSignalUnmountsAndKeepsTheMountPoint(_ signal: CInt) throws {
            #expect(try run("ls", "-R", mountPoint).status == .exited(0))
            let time = seconds { #expect(server.stop(signal) == .exited(0)) }
            #expect(time < 2)
            expectUnmounted()
        }

        /// Whoever has a file open gets an error from then on, and is not held.
        @Test func aProcessWithAnOpenFileIsNotHeld() throws {
            let waiting = try ChildProcess(
                [
                    "bash", "-c",
                    "exec 3<large; echo open; while [ ! -e \"$0\" ]; do sleep 0.05; done; cat <&3 >/dev/null",
                    "\(folder.path)/go",
                ], in: folder, workingFolder: mountPoint)
            let isOpen = eventually(seconds: 5) { waiting.output == "open\n" }
            #expect(isOpen)
            let time = seconds { #expect(server.stop() == .exited(0)) }
            #expect(time < 2.5)
            expectUnmounted()
            try folder.write("go", "")
            #expect(waiting.wait(seconds: 5) == .exited(1))
            #expect(waiting.errorOutput.contains("cat: "))
        }

        @Test func processesThatReadAreNotHeld() throws {
            let script = "while cat \"$0\"/large \"$0\"/folder/* >/dev/null; do ls -lR \"$0\" >/dev/null; done"
            let readers = try (0..<3).map { _ in try ChildProcess(["bash", "-c", script, mountPoint], in: folder) }
            usleep(500_000)
            let time = seconds { #expect(server.stop() == .exited(0)) }
            #expect(time < 2.5)
            for reader in readers { #expect(reader.wait(seconds: 5) != nil) }
            expectUnmounted()
        }

        /// Unmounting a FUSE file system is how its daemon is usually ended.
        @Test func oneUnmountedByHandEndsByItself() throws {
            #expect(try run("umount", mountPoint).status == .exited(0))
            #expect(server.process.wait(seconds: 10) == .exited(0))
            #expect(server.process.errorOutput == "serverfs: the mount was taken away: ending\n")
            expectUnmounted()
        }

        /// What is mounted there by then is not its own, and stays.
        @Test(.enabled(if: Capability.isRoot, "mounting a tmpfs needs root"))
        func anotherMountInItsPlaceStays() throws {
            #expect(
                try run("bash", "-c", "umount \(mountPoint) && mount -t tmpfs none \(mountPoint)").status == .exited(0))
            #expect(server.process.wait(seconds: 10) == .exited(0))
            #expect(PrivateFolder.mounts(below: folder.path).map(\.fileSystemType) == ["tmpfs"])
        }

        @Test(.enabled(if: Capability.isRoot, "mounting a tmpfs needs root"))
        func whatIsMountedInTheDocrootIsShownAndCanBeUnmountedAgain() throws {
            let inner = "\(docroot)/folder"
            #expect(try run("mount", "-t", "tmpfs", "none", inner).status == .exited(0))
            try folder.write("docroot/folder/inside", "on the tmpfs")
            let shown = try eventually(seconds: 3) {
                try run("cat", "\(mountPoint)/folder/inside").output == "on the tmpfs"
            }
            #expect(shown)
            let unmounted = try eventually(seconds: 3) { try run("umount", inner).status == .exited(0) }
            #expect(unmounted)
        }

        /// The mount, shown once more inside the docroot, would have the proxy wait for itself.
        @Test(.enabled(if: Capability.isRoot, "a bind mount needs root"), arguments: ["bind", "overlay"])
        func theMountInsideItsOwnDocrootIsRefusedAndHangsNobody(_ way: String) throws {
            let inner = "\(docroot)/folder"
            let made =
                way == "bind"
                ? try run("mount", "--bind", mountPoint, inner)
                : try run("mount", "-t", "overlay", "none", "-o", "lowerdir=\(mountPoint):/tmp", inner)
            try #require(made.status == .exited(0), "\(made.output)")
            sleep(2)
            for name in ["file", "folder/file", "large"] {
                #expect(try run("timeout", "5", "cat", "\(mountPoint)/folder/\(name)").status == .exited(1))
            }
            #expect(try run("timeout", "5", "cat", "\(mountPoint)/file").output == "through the proxy")
            #expect(try run("umount", "-l", inner).status == .exited(0))
        }

        @Test func itHasNoBypassToTurnOver() throws {
            try server.toggleBypass()
            #expect(server.process.errorOutput == "serverfs: no bypass to toggle\n")
        }

        @Test(.enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
        func otherUsersMayReadIt() throws {
            let child = try ChildProcess(User.nobody.prefix + ["cat", "\(mountPoint)/file"], in: folder)
            #expect(child.wait(seconds: 5) == .exited(0))
            #expect(child.output == "through the proxy")
        }
    }
}

import Glibc
import Testing

extension EndToEnd {
    /// A mount point that cannot be used.
    @Suite(.timeLimit(.minutes(1)))
    struct MountPointTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", "content")
        }

        /// The start by both commands.
        private func starts(_ mountPoint: String, prefix: [String] = []) throws -> [FailedStart] {
            let serve = ["serve", docroot, "--listen", "127.0.0.1:0", "--mount-point", mountPoint]
            return try [serve, ["mount", docroot, mountPoint]].map {
                try FailedStart($0, in: folder, prefix: prefix)
            }
        }

        @Test func aMissingOneIsNamed() throws {
            let path = "\(folder.path)/missing"
            for start in try starts(path) { start.expectRefusal("mount point", path, "No such file or directory") }
        }

        @Test func aFileIsNotAMountPoint() throws {
            let path = try folder.write("file", "text")
            for start in try starts(path) { start.expectRefusal("mount point", path, "Not a directory") }
            #expect(try readFile(Array(path.utf8)) == Array("text".utf8))
        }

        @Test func oneThatIsNotEmptyIsNamed() throws {
            let path = try folder.makeFolder("full")
            for name in [".hidden", "x"] {
                try folder.write("full/\(name)", "")
                for start in try starts(path) { start.expectRefusal("mount point", path, "not empty") }
                unlink("\(path)/\(name)")
            }
        }

        @Test func oneThatIsServerfsAlreadyIsNamedAndLeftAlone() throws {
            let path = try folder.makeFolder("mount")
            let first = try ServerProcess(["mount", docroot, path])
            for start in try starts(path) { start.expectRefusal("mount point", path, "already a serverfs mount") }
            let child = try ChildProcess(["cat", "\(path)/file"], in: folder)
            #expect(child.wait(seconds: 5) == .exited(0))
            #expect(first.stop() == .exited(0))
        }

        @Test(
            .enabled(if: Capability.isRoot, "making a FUSE mount by hand needs root"),
            arguments: ["fuse", "fuse.serverfs"])
        func aDeadMountIsToldFromALiveOne(_ type: String) throws {
            let path = try folder.makeFolder("dead")
            try DeadMount.make(at: path, type: type)
            for start in try starts(path) { start.expectRefusal("mount point", path, "whose server is gone", "umount") }
        }

        @Test func oneInsideTheDocrootIsRefused() throws {
            let path = try folder.makeFolder("docroot/inside")
            _ = try folder.makeFolder("docroot/inside/deeper")
            symlink("docroot/inside/deeper", "\(folder.path)/link")
            for start in try starts("\(path)/deeper") + starts("\(folder.path)/link") {
                start.expectRefusal("mount point", "inside the docroot")
            }
        }

        @Test func oneAroundTheDocrootIsRefused() throws {
            symlink(".", "\(folder.path)/link")
            for path in [folder.path, "\(folder.path)/link", "\(docroot)/.."] {
                for start in try starts(path) { start.expectRefusal("docroot", "inside the mount point") }
            }
        }

        @Test func theDocrootItselfIsRefused() throws {
            symlink("docroot", "\(folder.path)/link")
            for path in [docroot, "\(docroot)/", "\(folder.path)/link", "\(docroot)/../docroot/."] {
                for start in try starts(path) { start.expectRefusal("mount point", "is the docroot itself") }
            }
        }

        /// The docroot under another name: by identity it is the same folder.
        @Test(.enabled(if: Capability.isRoot, "a bind mount needs root"))
        func aBindMountOfTheDocrootIsTheDocroot() throws {
            let path = try folder.makeFolder("bound")
            #expect(ChildProcess.run(["mount", "--bind", docroot, path]) == .exited(0))
            for start in try starts(path) { start.expectRefusal("mount point", "is the docroot itself") }
        }

        @Test(.enabled(if: Capability.isRoot, "a bind mount needs root"))
        func oneBelowABindMountOfTheDocrootIsInsideIt() throws {
            let path = try folder.makeFolder("bound")
            _ = try folder.makeFolder("docroot/inside")
            #expect(ChildProcess.run(["mount", "--bind", docroot, path]) == .exited(0))
            for start in try starts("\(path)/inside") { start.expectRefusal("mount point", "inside the docroot") }
        }

        @Test(.enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason))
        func oneOfAnotherUserIsNamed() throws {
            let path = try folder.makeFolder("roots")
            for start in try starts(path, prefix: User.nobody.prefix) { start.expectRefusal(path, "--bypass") }
        }

        /// Whatever folder for passing things it would be made in, the docroot has it.
        @Test func noRoomForAPrivateOneIsNamed() throws {
            try FailedStart(["/", "--listen", "127.0.0.1:0"], in: folder)
                .expectRefusal("docroot /", "--mount-point", "--bypass")
        }
    }
}

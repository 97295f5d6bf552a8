import Glibc
import Testing

extension EndToEnd {
    /// A DOCROOT that cannot be served.
    @Suite(.timeLimit(.minutes(1)))
    struct DocrootTests {
        private let folder: PrivateFolder
        private let commands: [[String]]

        /// `serve` and `mount`, each with the docroot left out.
        init() throws {
            folder = try PrivateFolder()
            commands = [["serve", "--listen", "127.0.0.1:0"], ["mount"]]
            _ = try folder.makeFolder("mount")
        }

        private func start(_ command: [String], _ docroot: String, prefix: [String] = []) throws -> FailedStart {
            let mountPoint = command == ["mount"] ? ["\(folder.path)/mount"] : []
            return try FailedStart(command + [docroot] + mountPoint, in: folder, prefix: prefix)
        }

        @Test func aMissingDocrootIsNamed() throws {
            for command in commands {
                let docroot = "\(folder.path)/missing"
                try start(command, docroot).expectRefusal("docroot", docroot, "No such file or directory")
            }
        }

        @Test func aDanglingLinkIsMissing() throws {
            symlink("nowhere", "\(folder.path)/dangling")
            for command in commands {
                try start(command, "\(folder.path)/dangling").expectRefusal("docroot", "No such file or directory")
            }
        }

        @Test func aFileIsNotADocroot() throws {
            try folder.write("file", "text")
            for command in commands {
                try start(command, "\(folder.path)/file").expectRefusal("docroot", "Not a directory")
            }
        }

        @Test(.enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
        func anUnreadableDocrootIsNamed() throws {
            let docroot = try folder.makeFolder("unreadable")
            chmod(docroot, 0o711)
            for command in commands {
                try start(command, docroot, prefix: User.nobody.prefix)
                    .expectRefusal("docroot", docroot, "Permission denied")
            }
        }

        @Test func anEmptyNameIsNotADocroot() throws {
            for command in commands { try start(command, "").expectRefusal("docroot", "No such file or directory") }
        }

        @Test(.enabled(if: Capability.isRoot, "making a FUSE mount by hand needs root"))
        func aDocrootWhoseServerIsGoneIsNamed() throws {
            let docroot = try folder.makeFolder("dead")
            try DeadMount.make(at: docroot)
            for command in commands { try start(command, docroot).expectRefusal("docroot", docroot) }
        }

        /// The default docroot is `www` in the present folder.
        @Test func theDefaultDocrootIsNamed() throws {
            try FailedStart(["--listen", "127.0.0.1:0"], in: folder, prefix: ["env", "-C", folder.path])
                .expectRefusal("docroot www", "No such file or directory")
        }
    }
}

/// A FUSE mount whose server has gone: every call on it gives ENOTCONN.
enum DeadMount {
    static func make(at path: String, type: String = "fuse") throws {
        let options = "fd=5,rootmode=40000,user_id=0,group_id=0"
        let script = "exec 5<>/dev/fuse; mount -i -t \(type) -o \(options) none \"$0\""
        try #require(ChildProcess.run(["bash", "-c", script, path]) == .exited(0))
    }
}

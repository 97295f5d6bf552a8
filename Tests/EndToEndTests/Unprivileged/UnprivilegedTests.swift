import Glibc
import Platform
import Testing

extension EndToEnd {
    /// serverfs as an ordinary user, mounting through fusermount3: everything works that can, and what cannot is named.
    @Suite(
        .timeLimit(.minutes(2)),
        .enabled(if: Capability.mountNamespaces, "unshare -m does not work here"),
        .enabled(if: Capability.otherUsers, "another user cannot run the test's server"),
        .enabled(if: Capability.isInstalled("fusermount3"), "fusermount3 is not installed"))
    struct UnprivilegedTests {
        private let folder: PrivateFolder
        private let docroot: String
        private let user: OrdinaryUser

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", "content")
            try folder.write("docroot/large", RandomBytes.make(3_000_001))
            _ = try folder.makeFolder("docroot/folder")
            try folder.write("docroot/folder/page", "page")
            symlink("folder/page", "\(docroot)/link")
            user = try OrdinaryUser(preparation: Self.fuseConfiguration("# nothing is allowed"))
        }

        /// Shell that puts another /etc/fuse.conf over the machine's, in the namespace alone.
        private static func fuseConfiguration(_ text: String) -> String {
            "echo '\(text)' >\"$PWD/fuse.conf\"; mount --bind \"$PWD/fuse.conf\" /etc/fuse.conf"
        }

        private func makeMountPoint() throws -> String {
            let mountPoint = try folder.makeFolder("mount")
            chown(mountPoint, User.nobodyID, User.nobodyID)
            return mountPoint
        }

        /// Ends the server, after which there must be nothing of it: no mount, no folder, no process.
        private func expectNothingLeft(_ server: ServerProcess) {
            let time = seconds { #expect(server.stop() == .exited(0)) }
            #expect(time < 2)
            #expect(user.mounts(below: folder.path).isEmpty)
            #expect(user.mounts(below: user.temporaryFolder).isEmpty)
            #expect(PrivateFolder.names(in: user.temporaryFolder).isEmpty)
        }

        @Test(arguments: [
            ["--profile", "seed"], ["--profile", "cached"], ["--profile", "fast"],
            ["--fuse-open", "per-open", "--fuse-read", "splice", "--fuse-cache", "watched", "--fuse-threads", "4"],
            ["--fuse-api", "highlevel", "--fuse-open", "retained", "--fuse-cache", "none"],
        ])
        func itServesThroughTheMountAndLeavesNothing(_ options: [String]) throws {
            let server = try ServerProcess.serving(docroot, options, prefix: user.prefix)
            #expect(ProcessFacts.userID(server.identifier) == User.nobodyID)
            #expect(user.mounts(below: user.temporaryFolder).map(\.fileSystemType) == ["fuse.serverfs"])
            let large = RandomBytes.make(3_000_001)
            for port in server.ports {
                #expect(try HTTPConnection.fetch(port, "/file").bodyText == "content")
                #expect(try HTTPConnection.fetch(port, "/link").bodyText == "page")
                #expect(try HTTPConnection.fetch(port, "/large").body == large)
                #expect(try HTTPConnection.fetch(port, "/missing").status == 404)
            }
            #expect(try server.metrics().fuseReadBytes >= 3_000_001)
            expectNothingLeft(server)
        }

        @Test func inotifyTellsItOfChanges() throws {
            let server = try ServerProcess.serving(docroot, ["--fuse-cache", "watched"], prefix: user.prefix)
            #expect(server.bannerValue("strategies")?.contains("fuse-cache watched (inotify)") == true)
            let changes: [(target: String, before: String, after: String, script: String)] = [
                ("/file", "content", "changed", "printf changed >file"),
                ("/new", "404", "new", "printf new >new"),
                ("/folder/page", "page", "other", "printf other >next; mv next folder/page"),
                ("/moved/page", "404", "other", "mv folder moved"),
                ("/link", "404", "new", "ln -sfn new link"),
                ("/new", "new", "403", "chmod 600 new"),
                ("/file", "changed", "404", "rm file"),
            ]
            func fetch(_ target: String) throws -> String {
                let response = try HTTPConnection.fetch(server.port, target)
                return response.status == 200 ? response.bodyText : "\(response.status)"
            }
            for change in changes {
                for _ in 1...3 { #expect(try fetch(change.target) == change.before) }
                #expect(ChildProcess.run(["bash", "-c", "cd '\(docroot)' && \(change.script)"]) == .exited(0))
                let time = try seconds {
                    let isSeen = try eventually(seconds: 2) { try fetch(change.target) == change.after }
                    #expect(isSeen, "\(change.script)")
                }
                #expect(time < 1, "\(change.script)")
            }
            expectNothingLeft(server)
        }

        @Test func theBannerNamesWhatIsMissingAndWhy() throws {
            let server = try ServerProcess.serving(docroot, prefix: user.prefix)
            let missing = try #require(server.bannerValue("unavailable"))
            #expect(missing.contains("fanotify: it needs CAP_SYS_ADMIN"))
            #expect(missing.contains("fuse-open passthrough: it needs CAP_SYS_ADMIN"))
            #expect(missing.contains("allow_other: not root, and /etc/fuse.conf does not say user_allow_other"))
            #expect(server.bannerValue("mount")?.contains("allow_other") == false)
        }

        /// What was never asked for is not missed.
        @Test func theBannerNamesNoWatchWhereNothingIsKept() throws {
            let server = try ServerProcess.serving(docroot, ["--profile", "seed"], prefix: user.prefix)
            #expect(server.bannerValue("unavailable")?.contains("fanotify") == false)
        }

        @Test(.enabled(if: Capability.isRoot, "only root lacks nothing"))
        func rootLacksNothing() throws {
            #expect(try ServerProcess.serving(docroot).bannerValue("unavailable") == "nothing")
        }

        @Test func theMountIsItsUsersAlone() throws {
            let mountPoint = try makeMountPoint()
            let server = try ServerProcess(["mount", docroot, mountPoint], prefix: user.prefix)
            #expect(server.bannerValue("unavailable")?.contains("others cannot enter the mount") == true)
            #expect(try user.run(["cat", "\(mountPoint)/file"]).output == "content")
            #expect(try user.run(["cmp", "\(docroot)/large", "\(mountPoint)/large"]).status == .exited(0))
            #expect(try user.run(["ls", mountPoint]).output == "file\nfolder\nlarge\nlink\n")
            let asRoot = try user.run(["cat", "\(mountPoint)/file"], asRoot: true)
            #expect(asRoot.status == .exited(1))
            #expect(asRoot.error.contains("Permission denied"))
            expectNothingLeft(server)
            #expect(PrivateFolder.names(in: mountPoint).isEmpty)
        }

        @Test func othersMayEnterWhereTheMachineAllowsIt() throws {
            let user = try OrdinaryUser(preparation: Self.fuseConfiguration("user_allow_other"))
            let mountPoint = try makeMountPoint()
            let server = try ServerProcess(["mount", docroot, mountPoint], prefix: user.prefix)
            #expect(server.bannerValue("mount")?.contains("allow_other") == true)
            #expect(server.bannerValue("unavailable")?.contains("allow_other") == false)
            #expect(try user.run(["cat", "\(mountPoint)/file"], asRoot: true).output == "content")
            #expect(server.stop() == .exited(0))
            #expect(user.mounts(below: folder.path).isEmpty)
        }

        @Test func passthroughIsRefusedWithItsReason() throws {
            let options = ["--fuse-open", "passthrough"]
            let mountPoint = try makeMountPoint()
            for command in [[docroot, "--listen", "127.0.0.1:0"], ["mount", docroot, mountPoint]] {
                try FailedStart(command + options, in: folder, prefix: user.prefix)
                    .expectRefusal("--fuse-open passthrough", "CAP_SYS_ADMIN")
                #expect(user.mounts(below: folder.path).isEmpty)
                #expect(user.mounts(below: user.temporaryFolder).isEmpty)
                #expect(PrivateFolder.names(in: user.temporaryFolder).isEmpty)
            }
        }

        @Test func aMountTakenAwayWithFusermountEndsTheServer() throws {
            let mountPoint = try makeMountPoint()
            let server = try ServerProcess(["mount", docroot, mountPoint], prefix: user.prefix)
            #expect(try user.run(["fusermount3", "-u", mountPoint]).status == .exited(0))
            #expect(server.process.wait(seconds: 10) == .exited(0))
            #expect(user.mounts(below: folder.path).isEmpty)
        }
    }
}

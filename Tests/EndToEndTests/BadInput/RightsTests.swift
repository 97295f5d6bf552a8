import Glibc
import Testing

extension EndToEnd {
    /// No right to mount, or nothing to mount with: one sentence that offers `--bypass`, which then works.
    @Suite(
        .timeLimit(.minutes(1)),
        .enabled(if: Capability.mountNamespaces, "unshare -m does not work here"),
        .enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
    struct RightsTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", "content")
            #expect(ChildProcess.run(["mknod", "-m", "600", "\(folder.path)/fuse", "c", "10", "229"]) == .exited(0))
        }

        /// Runs what follows in a mount namespace of its own, after a line of shell.
        private func namespace(_ preparation: String) -> [String] {
            ["unshare", "-m", "bash", "-c", "\(preparation) && exec \"$@\"", "bash"]
        }

        private var commands: [[String]] {
            let mountPoint = "\(folder.path)/mount"
            mkdir(mountPoint, 0o755)
            chown(mountPoint, User.nobodyID, User.nobodyID)
            return [[docroot, "--listen", "127.0.0.1:0"], ["mount", docroot, mountPoint]]
        }

        private var unreadableDevice: [String] {
            namespace("mount --bind '\(folder.path)/fuse' /dev/fuse") + User.nobody.prefix
        }

        private var missingDevice: [String] {
            namespace("mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3")
        }

        @Test func anUnreadableDeviceIsNamed() throws {
            for command in commands {
                try FailedStart(command, in: folder, prefix: unreadableDevice)
                    .expectRefusal("/dev/fuse", "Permission denied", "--bypass")
            }
        }

        @Test func aMissingDeviceIsNamed() throws {
            for command in commands {
                try FailedStart(command, in: folder, prefix: missingDevice)
                    .expectRefusal("there is no /dev/fuse", "--bypass")
            }
        }

        /// A device file without a driver behind it.
        @Test func aDeviceThatDoesNotOpenIsNamed() throws {
            let preparation = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && touch /dev/fuse"
            for command in commands {
                try FailedStart(command, in: folder, prefix: namespace(preparation)).expectRefusal("--bypass")
            }
        }

        /// Without the right to mount, and without fusermount3, which has it.
        @Test(.enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason))
        func noRightToMountIsNamed() throws {
            let withoutHelper = namespace("mount --bind /bin/false \"$(readlink -f \"$(command -v fusermount3)\")\"")
            for command in commands {
                try FailedStart(command, in: folder, prefix: withoutHelper + User.nobody.prefix)
                    .expectRefusal("no right to mount", "--bypass")
            }
        }

        /// Root, but not allowed to mount.
        @Test func rootWithoutTheCapabilityIsTold() throws {
            let withoutHelper = namespace("mount --bind /bin/false \"$(readlink -f \"$(command -v fusermount3)\")\"")
            let withoutCapability = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
            for command in commands {
                try FailedStart(command, in: folder, prefix: withoutHelper + withoutCapability)
                    .expectRefusal("no right to mount", "--bypass")
            }
        }

        @Test func theBypassNeedsNoneOfThat() throws {
            for prefix in [unreadableDevice, missingDevice] {
                let server = try ServerProcess([docroot, "--listen", "127.0.0.1:0", "--bypass"], prefix: prefix)
                #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "content")
                #expect(server.stop() == .exited(0))
            }
        }

        /// Where fusermount3 is installed, no right is needed, and nothing is left either.
        @Test(.enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason))
        func anotherUserMountsThroughFusermount() throws {
            let temporary = try folder.makeFolder("nobodys")
            chown(temporary, User.nobodyID, User.nobodyID)
            let server = try ServerProcess.serving(
                docroot, prefix: User.nobody.prefix + ["env", "TMPDIR=\(temporary)"])
            #expect(PrivateFolder.mounts(below: temporary).map(\.fileSystemType) == ["fuse.serverfs"])
            #expect(ProcessFacts.mountOptions(server.mountPoint).isSuperset(of: ["ro", "nosuid", "nodev"]))
            for port in server.ports { #expect(try HTTPConnection.fetch(port, "/file").bodyText == "content") }
            #expect(try server.metrics().fuseReadBytes >= 7)
            let time = seconds { #expect(server.stop() == .exited(0)) }
            #expect(time < 2)
            #expect(PrivateFolder.mounts(below: temporary).isEmpty)
            #expect(PrivateFolder.names(in: temporary).isEmpty)
        }

        /// A file that the server's user may not read is forbidden, through the mount too.
        @Test(.enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason))
        func aFileThatMayNotBeReadIsForbidden() throws {
            chmod(try folder.write("docroot/private", "not for nobody"), 0o600)
            chmod(try folder.makeFolder("docroot/closed"), 0o700)
            try folder.write("docroot/closed/file", "not for nobody")
            let server = try ServerProcess.serving(docroot, prefix: User.nobody.prefix)
            for port in server.ports {
                #expect(try HTTPConnection.fetch(port, "/private").status == 403)
                #expect(try HTTPConnection.fetch(port, "/closed/file").status == 403)
                #expect(try HTTPConnection.fetch(port, "/closed/").status == 403)
                #expect(try HTTPConnection.fetch(port, "/file").status == 200)
            }
        }
    }
}

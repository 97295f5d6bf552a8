import Glibc
import Platform
import Testing

@Suite struct MountTableTests {
    @Test func readsTheRootMountOfThisMachine() throws {
        let root = try #require(try MountTable.entry(at: "/"))
        #expect(!root.isFuse)
        let status = try Files.status(AT_FDCWD, "/")
        #expect(root.device == FileIdentity(status).device)
    }

    @Test func undoesEscapesAndOptionalFields() throws {
        let line =
            "42 27 0:39 / /tmp/a\\040b\\134c ro,nosuid shared:7 master:1 - fuse.serverfs /srv/w\\011w ro,user_id=0"
        let entry = try #require(MountTable.parse(Array(line.utf8)).first)
        #expect(entry.mountID == 42)
        #expect(entry.device == 39)
        #expect(entry.mountPoint == "/tmp/a b\\c")
        #expect(entry.fileSystemType == "fuse.serverfs")
        #expect(entry.source == "/srv/w\tw")
        #expect(entry.isFuse)
    }

    @Test(arguments: [
        "", "garbage", "42 27 0:39 / /tmp ro", "x 27 0:39 / /tmp ro - ext4 /dev/a rw", "1 2 0 / / ro - a b c",
    ])
    func leavesOutWhatItDoesNotUnderstand(line: String) {
        #expect(MountTable.parse(Array(line.utf8)).isEmpty)
    }

    @Test func aPathThatEndsInABytesThatJoinWithASpaceIsStillAField() throws {
        let line = "42 27 0:39 / /tmp/x\u{600} ro - fuse.serverfs /srv ro"
        #expect(MountTable.parse(Array(line.utf8)).first?.mountPoint.utf8.count == "/tmp/x".utf8.count + 2)
    }

    @Test func stackedAndRemoteFileSystemsAreNotSelfContained() {
        func entry(_ type: String) -> MountEntry {
            MountEntry(mountID: 1, device: 1, mountPoint: "/x", fileSystemType: type, source: "s")
        }
        for type in ["ext4", "tmpfs", "xfs", "vfat"] { #expect(entry(type).isSelfContained) }
        for type in ["fuse", "fuse.serverfs", "fuseblk", "overlay", "ecryptfs", "nfs4", "cifs", "9p", "autofs", "new"] {
            #expect(!entry(type).isSelfContained)
        }
    }

    @Test func theLastMountAtAPointIsTheOneOnTop() {
        let text = """
            30 1 0:25 / /mnt rw - tmpfs lower rw
            31 30 0:26 / /mnt rw - fuse upper rw
            """
        #expect(MountTable.parse(Array(text.utf8)).last { $0.mountPoint == "/mnt" }?.source == "upper")
    }

    @Test(
        arguments: [(8, 1, 0x801), (254, 0, 0xfe00), (0, 39, 39), (0x1234, 0xabcde, 0x0000_1000_abc2_34de)]
            as [(UInt32, UInt32, UInt64)])
    func composesDeviceNumbersLikeMakedev(major: UInt32, minor: UInt32, device: UInt64) {
        #expect(Files.deviceNumber(major: major, minor: minor) == device)
    }
}

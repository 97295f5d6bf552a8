import Testing

@testable import serverfs_bench

@Suite struct AbandonedMountTests {
    private let mountInfo = """
        27 1 254:0 / / rw - ext4 /dev/vda rw
        42 27 0:39 / /tmp/serverfs-EUPqjX ro,nosuid,nodev,noatime - fuse.serverfs /work/main/www ro
        43 27 0:40 / /tmp/other rw - tmpfs tmpfs rw

        """

    @Test func onlyAMountOfServerfsAtThatVeryPathIsOne() {
        #expect(AbandonedMount.exists(at: "/tmp/serverfs-EUPqjX", mountInfo: mountInfo))
        #expect(!AbandonedMount.exists(at: "/tmp/serverfs-EUPqj", mountInfo: mountInfo))
        #expect(!AbandonedMount.exists(at: "/tmp/other", mountInfo: mountInfo))
    }
}

import Testing

@testable import serverfs_bench

@Suite struct ServerfsBannerTests {
    static let complete = """
        serverfs 0.1.0
          docroot        /work/main/www
          listen         http://127.0.0.1:44995/  (through the mount)
          listen-bypass  http://127.0.0.1:42325/  (docroot directly)
          admin          http://127.0.0.1:41007/
          mount          /tmp/serverfs-vMR5qT  (fuse.serverfs, ro,nosuid,nodev,allow_other; removed at exit)
          strategies     fuse-api lowlevel, open-file-cache 1024 a worker
          unavailable    nothing
        ready

        """

    private static let mountAlone = """
        serverfs 0.1.0
          docroot        /srv
          mount          /tmp/m  (fuse.serverfs, ro,nosuid,nodev)
          strategies     fuse-api lowlevel, fuse-cache timeout 1 s
          unavailable    fuse-cache watched: too few inotify watches
        ready

        """

    @Test func addressesAndStrategiesAreRead() throws {
        let banner = try #require(ServerfsBanner(parsing: Self.complete))
        #expect(banner.version == "0.1.0")
        #expect(banner.mountURL == "http://127.0.0.1:44995/")
        #expect(banner.bypassURL == "http://127.0.0.1:42325/")
        #expect(banner.adminURL == "http://127.0.0.1:41007/")
        #expect(banner.mountPoint == "/tmp/serverfs-vMR5qT")
        #expect(banner.strategies == "fuse-api lowlevel, open-file-cache 1024 a worker")
        #expect(banner.unavailable == nil)
    }

    @Test func theMountAloneHasNoAddresses() throws {
        let banner = try #require(ServerfsBanner(parsing: Self.mountAlone))
        #expect(banner.mountURL == nil)
        #expect(banner.bypassURL == nil)
        #expect(banner.adminURL == nil)
        #expect(banner.mountPoint == "/tmp/m")
        #expect(banner.unavailable == "fuse-cache watched: too few inotify watches")
    }

    @Test func anIncompleteBannerIsNone() {
        #expect(ServerfsBanner(parsing: "") == nil)
        #expect(ServerfsBanner(parsing: String(Self.complete.dropLast("ready\n".count))) == nil)
        #expect(ServerfsBanner(parsing: "serverfs 0.1.0\nready\n") == nil)
    }
}

import Testing

@testable import serverfs_bench

@Suite struct ServerfsCountersTests {
    @Test func waysAreKeptApartAndFuseRequestsSummed() throws {
        let counters = try #require(
            ServerfsCounters(
                parsing: """
                    # TYPE serverfs_http_requests_total counter
                    serverfs_http_requests_total{via="mount"} 12
                    serverfs_http_requests_total{via="bypass"} 30
                    serverfs_fuse_requests_total{operation="lookup"} 4
                    serverfs_fuse_requests_total{operation="open"} 5
                    serverfs_fuse_read_bytes_total 26400
                    # EOF
                    """))
        #expect(counters.mountRequests == 12)
        #expect(counters.bypassRequests == 30)
        #expect(counters.fuseRequests == 9)
    }

    @Test func missingCountersAreNotTakenForZero() {
        #expect(ServerfsCounters(parsing: "# EOF\n") == nil)
        #expect(ServerfsCounters(parsing: "serverfs_http_requests_total{via=\"mount\"} 12\n# EOF\n") == nil)
    }
}

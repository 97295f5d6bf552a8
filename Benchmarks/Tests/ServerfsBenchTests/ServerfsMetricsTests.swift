import Testing

@testable import serverfs_bench

@Suite struct ServerfsMetricsTests {
    private let text = """
        # TYPE serverfs_http_requests_total counter
        serverfs_http_requests_total{via="mount"} 12
        serverfs_http_requests_total{via="bypass"} 30
        serverfs_fuse_requests_total{operation="lookup"} 4
        serverfs_fuse_requests_total{operation="open"} 5
        serverfs_fuse_read_bytes_total 26400
        serverfs_fuse_inodes 7
        # EOF

        """

    @Test func waysAreKeptApartAndFuseRequestsSummed() throws {
        let metrics = try #require(ServerfsMetrics(parsing: text))
        #expect(try metrics.value("serverfs_http_requests_total{via=\"mount\"}") == 12)
        #expect(try metrics.value("serverfs_http_requests_total{via=\"bypass\"}") == 30)
        #expect(try metrics.httpRequests(.bypass) == 30)
        #expect(try ServerfsMetrics(ofAdmin: String(text.dropLast(7))).httpRequests(.mount) == 12)
        #expect(try metrics.fuseRequests == 9)
        #expect(try metrics.fuseRequests("lookup") == 4)
        #expect(try metrics.inodes == 7)
    }

    @Test func missingCountersAreNotTakenForZero() throws {
        let metrics = try #require(ServerfsMetrics(parsing: "# EOF\n"))
        #expect(throws: BenchFailure.self) { try metrics.value("serverfs_http_requests_total{via=\"mount\"}") }
        #expect(throws: BenchFailure.self) { try metrics.fuseRequests }
        #expect(throws: BenchFailure.self) { try metrics.inodes }
    }

    @Test func anIncompleteTextIsNone() {
        #expect(ServerfsMetrics(parsing: "") == nil)
        #expect(ServerfsMetrics(parsing: String(text.dropLast(7))) == nil)
    }
}

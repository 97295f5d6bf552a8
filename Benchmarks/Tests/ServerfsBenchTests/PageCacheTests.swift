import Testing

@testable import serverfs_bench

@Suite struct PageCacheTests {
    @Test func bothCopiesAreAdded() {
        var report = PageCacheReport(
            fileBytes: 100,
            rows: [
                ("stateless", [PageCacheShare(docroot: 100, mount: 100, machine: 201)]),
                ("passthrough", [PageCacheShare(docroot: 100, mount: 0, machine: 99)]),
            ])
        #expect(
            cells(report.table)[2...] == [
                ["stateless", "1.00", "1.00", "2.00", "2.000–2.000", "2.01"],
                ["passthrough", "1.00", "0.00", "1.00", "1.000–1.000", "0.99"],
            ])
        #expect(report.verdicts.map(\.isMet) == [true])

        report.rows[1].shares[0].mount = 100
        #expect(report.verdicts.map(\.isMet) == [false])
        report.rows.removeLast()
        #expect(report.verdicts.map(\.isMet) == [nil])
    }

    /// On the real thing: a file that was just written is in memory, page by page.
    @Test func aFileJustWrittenIsInMemory() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        try directory.write(String(repeating: "x", count: 64 << 10), to: "file")
        #expect(try PageCache.cachedBytes(directory.file("file")) == 64 << 10)
        #expect(throws: BenchFailure.self) { try PageCache.cachedBytes(directory.file("none")) }
        #expect(PageCache.allCachedBytes() > 0)
    }

    @Test func urlsOfServersOnThisMachineAreTakenApart() throws {
        let parts = try #require(HTTPClient.portAndPath("http://127.0.0.1:8080/large"))
        #expect(parts.port == 8080)
        #expect(parts.path == "/large")
        #expect(HTTPClient.portAndPath("http://example.org/") == nil)
        #expect(HTTPClient.portAndPath("http://127.0.0.1:99999/") == nil)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", 25), ("HTTP/1.1 404 Not Found\r\n\r\n", nil),
        ("HTTP/1.1 200 OK\r\n", nil),
    ])
    func onlyTheHeadOfA200IsOne(response: String, count: Int?) {
        #expect(HTTPClient.headByteCount(Array(response.utf8)[...]) == count)
    }
}

import Testing

@testable import serverfs_bench

@Suite struct WrkReportTests {
    static let good = """
        Running 2s test @ http://127.0.0.1:44995/index.html
          2 threads and 400 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency     7.90ms    3.40ms  36.58ms   71.51%
            Req/Sec    15.83k     3.29k   24.79k    82.05%
          63329 requests in 2.08s, 1.57GB read
        Requests/sec:  30432.52
        Transfer/sec:    773.05MB

        """

    static let bad = """
        Running 1s test @ http://127.0.0.1:44995/nope
          2 threads and 400 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency    19.52ms    5.05ms  54.69ms   71.81%
            Req/Sec    10.04k     1.58k   14.43k    75.00%
          19990 requests in 1.02s, 2.97MB read
          Socket errors: connect 1, read 2, write 3, timeout 4
          Non-2xx or 3xx responses: 19990
        Requests/sec:  19537.47
        Transfer/sec:      2.91MB

        """

    @Test func figuresOfASoundRunAreRead() throws {
        let report = try WrkReport(parsing: Self.good)
        #expect(report.requests == 63329)
        #expect(report.bytesRead == 1.57 * 1024 * 1024 * 1024)
        #expect(report.requestsPerSecond == 30432.52)
        #expect(report.transferBytesPerSecond == 773.05 * 1024 * 1024)
        #expect(report.socketErrors == .none)
        #expect(report.errorResponses == 0)
        #expect(report.defect(fileBytes: 26_400) == nil)
    }

    @Test func socketErrorsAndErrorResponsesAreRead() throws {
        let report = try WrkReport(parsing: Self.bad)
        #expect(report.socketErrors == WrkReport.SocketErrors(connect: 1, read: 2, write: 3, timeout: 4))
        #expect(report.errorResponses == 19990)
    }

    @Test(arguments: [
        ("0.00B", 0), ("512.00B", 512), ("1.50KB", 1536), ("2.00MB", 2_097_152), ("1.00GB", 1_073_741_824),
        ("1.00TB", 1_099_511_627_776),
    ])
    func unitsAreBinary(text: String, bytes: Double) {
        #expect(WrkReport.bytes(text) == bytes)
    }

    @Test(arguments: ["", "B", "MB", "1.00", "1.00M", "xMB", "1.00XB"])
    func whatIsNoAmountIsRefused(text: String) {
        #expect(WrkReport.bytes(text) == nil)
    }

    @Test(arguments: ["Requests/sec", "Transfer/sec", " requests in "])
    func aMissingLineIsNamed(line: String) {
        let output = Self.good.split(separator: "\n").filter { !$0.contains(line) }.joined(separator: "\n")
        let error = #expect(throws: WrkReport.ParseError.self) { try WrkReport(parsing: output) }
        guard case .missing(let missing) = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
        #expect(missing.hasPrefix(line))
    }

    @Test func aMalformedLineIsNotTakenForZero() {
        #expect(throws: WrkReport.ParseError.malformed(line: "Socket errors: connect one")) {
            try WrkReport(parsing: Self.good + "  Socket errors: connect one\n")
        }
        #expect(throws: WrkReport.ParseError.self) {
            try WrkReport(parsing: Self.good.split(separator: "30432.52").joined(separator: "nan%"))
        }
    }

    @Test func eachDefectIsSaid() throws {
        var report = try WrkReport(parsing: Self.good)
        report.socketErrors.timeout = 7
        #expect(report.defect(fileBytes: 26_400)?.contains("timeout 7") == true)

        report.socketErrors = .none
        report.errorResponses = 3
        #expect(report.defect(fileBytes: 26_400)?.contains("3 responses") == true)

        report.errorResponses = 0
        #expect(report.defect(fileBytes: 100_000)?.contains("the file has 100000") == true)

        report.requests = 0
        #expect(report.defect(fileBytes: 26_400) != nil)
    }
}

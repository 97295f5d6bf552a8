import Testing

@testable import Cost

@Suite struct LoadTests {
    private func read(_ pieces: String..., with reader: inout ResponseReader) -> [ResponseReader.Progress] {
        pieces.map { piece in Array(piece.utf8).withUnsafeBytes { reader.take($0) } }
    }

    @Test func wrksReportIsRead() {
        let text = """
            Running 2s test @ http://127.0.0.1:8080/index.html
              2 threads and 400 connections
              Thread Stats   Avg      Stdev     Max   +/- Stdev
                Latency    13.15ms    5.28ms  82.94ms   79.06%
                Req/Sec    15.32k     1.44k   18.46k    65.00%
              63329 requests in 2.08s, 1.57GB read
            Requests/sec:  30452.19
            Transfer/sec:    773.05MB

            """
        #expect(WrkOutput(text)?.requests == 63_329)
        #expect(WrkOutput(text)?.defect == nil)
        let failed = text + "  Socket errors: connect 3, read 5, write 7, timeout 2\n  Non-2xx or 3xx responses: 11\n"
        var output = WrkOutput(failed)
        #expect(output?.defect == "wrk could not make 3 connections")
        output?.connectErrors = 0
        #expect(output?.defect?.contains("5 read errors and 7 write errors") == true)
        output?.readErrors = 0
        output?.writeErrors = 0
        #expect(output?.defect == "11 of 63329 requests were answered with an error")
        output?.errorResponses = 0
        #expect(output?.defect == nil)
        output?.requests = 0
        #expect(output?.defect == "no request was answered")
        #expect(WrkOutput("unable to connect to 127.0.0.1:1 Connection refused\n") == nil)
        #expect(WrkOutput("") == nil)
    }

    @Test func aResponseIsReadInWhateverPiecesItComes() {
        var reader = ResponseReader()
        let response = "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  5\r\n\r\nhello"
        for split in 1..<response.count {
            let (start, end) = (String(response.prefix(split)), String(response.dropFirst(split)))
            #expect(read(start, end, with: &reader) == [.incomplete, .complete])
            #expect(reader.status == 200)
            #expect(reader.contentLength == 5)
        }
        #expect(read(response, response, with: &reader) == [.complete, .complete])
        #expect(read("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", with: &reader) == [.complete])
        #expect(reader.status == 404)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "\r\n\r\n",
    ])
    func whatIsNoSuchResponseIsMalformed(_ text: String) {
        var reader = ResponseReader()
        #expect(read(text, with: &reader) == [.malformed])
    }

    @Test func aHeadThatDoesNotEndIsMalformed() {
        var reader = ResponseReader()
        var progress = ResponseReader.Progress.incomplete
        var pieces = 0
        while progress == .incomplete, pieces < 100 {
            progress = Array(repeating: UInt8(ascii: "a"), count: 1000).withUnsafeBytes { reader.take($0) }
            pieces += 1
        }
        #expect(progress == .malformed)
        #expect(pieces == 17)
    }

    @Test func aPathIsPlainAndStartsWithASlash() {
        #expect(LoadTarget.defect(ofPath: "/a%20b/c?d=e'") == nil)
        for path in ["", "a", "/a b", "/a\"b", "/a\\b", "/ä", "/a\r\nb", "/" + String(repeating: "a", count: 4096)] {
            #expect(LoadTarget.defect(ofPath: path) != nil, "\(path)")
        }
    }

    @Test func theScriptAsksForEachPath() {
        #expect(WrkProcess.script(["/a", "/b"]).contains("ipairs({\"/a\", \"/b\"})"))
    }
}

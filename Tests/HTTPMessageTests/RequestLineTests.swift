import HTTPMessage
import Testing

@Suite struct RequestLineTests {
    @Test func aPlainRequestIsRead() throws {
        let head = try head(wrkHead)
        #expect(head.method == .get)
        #expect(head.minorVersion == 1)
        #expect(head.byteCount == wrkHead.utf8.count)
        #expect(wrkHead.at(head.target) == "/index.html")
        #expect(wrkHead.at(head.host) == "127.0.0.1:8080")
        #expect(!head.hasBody && head.wantsKeepAlive)
        #expect(!head.range.isPresent && !head.ifRange.isPresent)
        #expect(!head.ifNoneMatch.isPresent && !head.ifModifiedSince.isPresent)
    }

    @Test func aBrowsersRequestIsRead() throws {
        let head = try head(browserHead)
        #expect(browserHead.at(head.target) == "/assets/app.4f1c2b.js?v=12")
        #expect(browserHead.at(head.ifNoneMatch) == "\"17d3a2b4c5e6f708-1a2b3\"")
        #expect(browserHead.at(head.ifModifiedSince) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(browserHead.at(head.range) == "bytes=0-99")
        #expect(browserHead.at(head.ifRange) == "\"17d3a2b4c5e6f708-1a2b3\"")
    }

    @Test func bytesBehindTheHeadAreLeftAlone() throws {
        let next = "\u{0}\u{1}garbage"
        #expect(parse(wrkHead + next) == parse(wrkHead))
        #expect(parse(wrkHead + wrkHead) == parse(wrkHead))
    }

    @Test(arguments: [
        ("GET", RequestMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("CONNECT", .connect), ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch),
    ])
    func methodsAreKnown(name: String, method: RequestMethod) throws {
        #expect(try head("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").method == method)
        #expect(method.isSupported == (name == "GET" || name == "HEAD"))
    }

    @Test(arguments: ["BREW", "get", "G", "GETT", "PRI", "!#$%&'*+-.^_`|~", String(repeating: "M", count: 32)])
    func anUnknownTokenIsNotImplemented(name: String) {
        #expect(parse("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n") == .invalid(.unknownMethod))
        #expect(parse("\(name)") == .incomplete)
    }

    @Test(arguments: [
        "", " ", "G\u{e9}T ", "G(ET ", "GET\t", "\tGET ", "GET\r\n", "GET\n", "\u{0}", "{\"a\":1}", "\u{16}\u{3}\u{1}",
        "SSH-2.0-OpenSSH\r\n", String(repeating: "M", count: 33),
    ])
    func whatIsNoMethodIsBad(start: String) {
        #expect(parse("\(start)\(start.isEmpty ? " " : "")") == .invalid(.badRequest))
    }

    @Test func aFewEmptyLinesInFrontAreSkipped() throws {
        let lines = String(repeating: "\r\n", count: RequestLimits.emptyLinesMax)
        let text = lines + wrkHead
        let head = try head(text)
        #expect(head.byteCount == text.utf8.count)
        #expect(text.at(head.target) == "/index.html")
        #expect(parse("\r\n" + text) == .invalid(.badRequest))
        #expect(parse("\r\r\n" + wrkHead) == .invalid(.badRequest))
        #expect(parse("\n" + wrkHead) == .invalid(.badRequest))
        #expect(parse("\r") == .incomplete)
        #expect(parse(lines) == .incomplete)
        #expect(parse("") == .incomplete)
    }

    @Test(arguments: [
        "GET /  HTTP/1.1\r\n", "GET  / HTTP/1.1\r\n", "GET /\tHTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET / \r\n",
        "GET /a#b HTTP/1.1\r\n", "GET /a\u{7f} HTTP/1.1\r\n", "GET /caf\u{e9} HTTP/1.1\r\n", "GET /\u{0} HTTP/1.1\r\n",
        "GET /\r\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\r\n", "GET /\nHTTP/1.1\r\n", "GET /aaaaaaa\u{1}",
        "GET /aaaaaaaaaaaaaaaaaa#",
    ])
    func requestLinesAreRefused(line: String) { #expect(parse(line) == .invalid(.badRequest)) }

    @Test func everyByteIsJudgedInATarget() {
        for byte in UInt8.min...UInt8.max {
            for padding in 0..<10 {
                let pad = [UInt8](repeating: UInt8(ascii: "a"), count: padding)
                let bytes = Array("GET /".utf8) + pad + [byte] + pad + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                let isGood = (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "#")
                guard byte != 0x20 else { continue }
                if case .complete = parse(bytes) { #expect(isGood) } else { #expect(!isGood, "\(byte)") }
            }
        }
    }

    @Test(arguments: [
        "http/1.1", "HTTP/1", "HTTP/11.1", "HTTP/1.11", "HTTP/1,1", "HTTP/a.1", "HTTP/1.a", "HTTP 1.1", "HTTPS/1.1",
        "HTTP/ 1.1", "HTTP/-1.1", "XTTP/1.1", "HTTP/", "HTTP/.1",
    ])
    func malformedVersionsAreBad(version: String) {
        #expect(parse("GET / \(version)\r\nHost: a\r\n\r\n") == .invalid(.badRequest))
    }

    @Test(arguments: ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.0"])
    func otherMajorVersionsAreNotSupported(version: String) {
        #expect(parse("GET / \(version)\r\n\r\n") == .invalid(.unsupportedVersion))
    }

    @Test func laterMinorVersionsCountAsOne() throws {
        for minor in 1...9 { #expect(try head("GET / HTTP/1.\(minor)\r\nHost: a\r\n\r\n").minorVersion == 1) }
        #expect(try head("GET / HTTP/1.0\r\n\r\n").minorVersion == 0)
    }

    @Test func aTargetAtTheLimitIsTakenAndOneByteMoreIsToldAtOnce() throws {
        let longest = "/" + String(repeating: "a", count: RequestLimits.targetBytesMax - 1)
        let head = try head("GET \(longest) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(head.target.count == UInt32(RequestLimits.targetBytesMax))
        #expect(parse("GET \(longest)") == .incomplete)
        #expect(parse("GET \(longest)a") == .invalid(.targetTooLong))
        #expect(parse("GET \(longest)a HTTP/1.1\r\nHost: a\r\n\r\n") == .invalid(.targetTooLong))
    }
}

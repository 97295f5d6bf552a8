import HTTPMessage
import Testing

@Suite struct RequestFieldTests {
    @Test(arguments: [
        " x: y", "\tx: y", "x : y", "x\t: y", ": y", "x", "x y: z", "x\u{0}: y", "x: \u{0}", "x: y\u{7f}", "x: a\rb",
        "x: a\nb", "x: a\u{b}", "x: aaaaaaaaaa\u{1}aaaaaaaaaaa", "caf\u{e9}: y", "x(: y", "x: y\r\n folded", "{}: y",
    ])
    func malformedFieldLinesAreBad(line: String) { #expect(parse(fields: line) == .invalid(.badRequest)) }

    @Test(arguments: ["x:", "x: ", "x:y", "x:\ty\t", "!#$%&'*+-.^_`|~09AZaz: y", "x: a\tb", "x: \u{e9}\u{ff}", "x:::"])
    func wellFormedFieldLinesAreTaken(line: String) throws { _ = try head(fields: line) }

    @Test func everyByteIsJudgedInANameAndAValue() {
        let punctuation = Array("!#$%&'*+-.^_`|~".utf8)
        for byte in UInt8.min...UInt8.max {
            let lowercase = byte | 0x20
            let isToken =
                punctuation.contains(byte) || (0x30...0x39).contains(byte)
                || ((0x61...0x7a).contains(lowercase) && byte < 0x80)
            let isText = (byte >= 0x20 && byte != 0x7f) || byte == 9
            for padding in [0, 1, 7, 8, 9] {
                let pad = [UInt8](repeating: UInt8(ascii: "n"), count: padding)
                let start = Array("GET / HTTP/1.0\r\n".utf8)
                let name = start + pad + [byte] + pad + Array("x: v\r\n\r\n".utf8)
                if byte != UInt8(ascii: ":") || padding == 0 {
                    if case .complete = parse(name) { #expect(isToken) } else { #expect(!isToken, "name \(byte)") }
                }
                let value = start + Array("x:".utf8) + pad + [byte] + pad + Array("\r\n\r\n".utf8)
                if case .complete = parse(value) { #expect(isText) } else { #expect(!isText, "value \(byte)") }
            }
        }
    }

    @Test func namesAreTakenInAnyCaseAndValuesTrimmed() throws {
        let text = "GET / HTTP/1.1\r\nhOsT:\t a \t\r\nRANGE:bytes=0-1 \r\niF-rAnGe:  x\r\n\r\n"
        let head = try head(text)
        #expect(text.at(head.host) == "a")
        #expect(text.at(head.range) == "bytes=0-1")
        #expect(text.at(head.ifRange) == "x")
    }

    @Test(arguments: ["Hos: b", "Hostt: b", "Hose: b", "Range2: x", "If_Range: x", "If-None-Matcg: x", "Ranged: x"])
    func similarNamesAreOtherFields(line: String) throws {
        let head = try head(fields: line)
        #expect(!head.range.isPresent && !head.ifRange.isPresent && !head.ifNoneMatch.isPresent)
    }

    @Test(arguments: [
        "", "a", "a.example", "a:80", "a:", "127.0.0.1:65535", "[::1]", "[::1]:8080", "[v1.x:y]", "a-b_c~d", "%41b:1",
        "xn--bcher-kva.example", "a.", "!$&'()*+,;=", ":80", "a:00080",
    ])
    func hostsAreTaken(host: String) throws {
        let text = "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        #expect(try text.at(head(text).host) == host)
    }

    @Test(arguments: [
        "a b", "a/b", "a?b", "a#b", "a@b", "a:b", "a:80:80", "a:65536", "a:99999999999999999999999", "::1", "[::1",
        "[]", "[", "[::1]x", "[::1]:x", "[g]", "a]", "%4", "%zz", "a%", "caf\u{e9}", "a\\b", "<a>", "\"a\"", "a:-1",
        "a:80 ,b", "http://a", "a|b", "[::1%eth0]",
    ])
    func whatCanNotBeAHostIsBad(host: String) {
        #expect(parse("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .invalid(.badRequest))
        #expect(parse("GET / HTTP/1.0\r\nHost: \(host)\r\n\r\n") == .invalid(.badRequest))
    }

    @Test func hostIsNeededOnceInOneOne() throws {
        #expect(parse("GET / HTTP/1.1\r\n\r\n") == .invalid(.badRequest))
        #expect(parse(fields: "Host: a") == .invalid(.badRequest))
        #expect(parse(fields: "host:") == .invalid(.badRequest))
        #expect(try !head("GET / HTTP/1.0\r\n\r\n").host.isPresent)
        let empty = try head("GET / HTTP/1.1\r\nHost:\r\n\r\n").host
        #expect(empty.isPresent && empty.isEmpty)
    }

    @Test func connectionsLiveOnAsTheVersionAndOptionsSay() throws {
        #expect(try head(fields: "x: y").wantsKeepAlive)
        #expect(try !head(fields: "Connection: close").wantsKeepAlive)
        #expect(try !head(fields: "connection: CLOSE").wantsKeepAlive)
        #expect(try !head(fields: "Connection: upgrade ,\tClose\t, x").wantsKeepAlive)
        #expect(try !head(fields: "Connection: keep-alive", "Connection: close").wantsKeepAlive)
        #expect(try !head(fields: "Connection: close", "Connection: keep-alive").wantsKeepAlive)
        #expect(try head(fields: "Connection: closed, not-close, clos").wantsKeepAlive)
        #expect(try head(fields: "Connection: ,,,").wantsKeepAlive)
        #expect(try head(fields: "Connection:").wantsKeepAlive)
        #expect(try !head("GET / HTTP/1.0\r\n\r\n").wantsKeepAlive)
        #expect(try head("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n").wantsKeepAlive)
        #expect(try !head("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").wantsKeepAlive)
    }

    @Test func contentLengthTellsOfABody() throws {
        #expect(try !head(fields: "Content-Length: 0").hasBody)
        #expect(try head(fields: "Content-Length: 1").hasBody)
        #expect(try head(fields: "content-length:  18446744073709551615 ").contentLength == UInt64.max)
        #expect(try head(fields: "Content-Length: 7", "Content-Length: 007").contentLength == 7)
    }

    @Test(arguments: [
        "", "-1", "+1", "1 2", "1,1", "0x1", "1.", "18446744073709551616", "99999999999999999999999", "a", "١",
    ])
    func invalidContentLengthsAreBad(value: String) {
        #expect(parse(fields: "Content-Length: \(value)") == .invalid(.badRequest))
    }

    @Test func framingThatCanBeReadInTwoWaysIsBad() throws {
        #expect(parse(fields: "Content-Length: 1", "Content-Length: 2") == .invalid(.badRequest))
        #expect(parse(fields: "Content-Length: 0", "Transfer-Encoding: chunked") == .invalid(.badRequest))
        #expect(parse(fields: "Transfer-Encoding: chunked", "Content-Length: 5") == .invalid(.badRequest))
        #expect(parse("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == .invalid(.badRequest))
        for coding in ["", "identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked", "chunked;q=1"] {
            #expect(parse(fields: "Transfer-Encoding: \(coding)") == .invalid(.badRequest), "\(coding)")
        }
        #expect(parse(fields: "Transfer-Encoding: chunked", "Transfer-Encoding: gzip") == .invalid(.badRequest))
        let chunked = try head(fields: "Transfer-Encoding: gzip", "transfer-encoding: Chunked")
        #expect(chunked.isChunked && chunked.hasBody)
    }

    @Test func aRepeatedFieldIsPresentAndEmpty() throws {
        for name in ["If-None-Match", "If-Modified-Since", "Range", "If-Range"] {
            for count in 2...4 {
                let lines = String(repeating: "\(name): x\r\n", count: count)
                let head = try head("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
                let slices = [head.ifNoneMatch, head.ifModifiedSince, head.range, head.ifRange]
                #expect(slices.filter(\.isPresent).map(\.isEmpty) == [true], "\(count) \(name)")
            }
        }
    }

    @Test func headsAreBoundedInFields() throws {
        let lines = String(repeating: "x: y\r\n", count: RequestLimits.headerFieldsMax - 1)
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines
        _ = try head(text + "\r\n")
        #expect(parse(text) == .incomplete)
        #expect(parse(text + "x") == .invalid(.headTooLarge))
    }

    @Test func headsAreBoundedInBytes() throws {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nx: "
        let longest = start + String(repeating: "y", count: RequestLimits.headBytesMax - start.utf8.count - 4)
        #expect(try head(longest + "\r\n\r\n").byteCount == RequestLimits.headBytesMax)
        #expect(parse(longest + "\r\n\r") == .incomplete)
        #expect(parse(longest + "y\r\n\r") == .invalid(.headTooLarge))
        #expect(parse(longest + "y\r\n\r\n") == .invalid(.headTooLarge))
        #expect(parse("\r\n" + longest + "\r\n\r\n") == .invalid(.headTooLarge))
        #expect(parse(start + String(repeating: "y", count: 32768 - start.utf8.count)) == .invalid(.headTooLarge))
        #expect(try head(longest + "\r\n\r\n" + wrkHead).byteCount == RequestLimits.headBytesMax)
    }
}

import Glibc
import Testing

extension EndToEnd {
    /// What a request that is wrong is answered: a status that says why, and the end of the connection.
    @Suite(.timeLimit(.minutes(1)))
    struct RefusalTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let request: String
            let status: Int

            init(_ request: String, _ status: Int) {
                self.request = request
                self.status = status
            }

            var testDescription: String {
                let text = request.count > 60 ? "\(request.prefix(60))… (\(request.utf8.count) bytes)" : request
                return "\(status): \(text.debugDescription)"
            }
        }

        private static let requestLines = [
            Case("\n", 400), Case("GET\r\n\r\n", 400), Case("GET \r\n\r\n", 400), Case("GET /\r\n\r\n", 400),
            Case("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400), Case("GET / HTTP/1.1\nHost: x\n\n", 400),
            Case(" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET / http/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET / HTTP/1\r\nHost: x\r\n\r\n", 400), Case("GET / HTTP/11\r\nHost: x\r\n\r\n", 400),
            Case("GET / HTTP/1.1.1\r\nHost: x\r\n\r\n", 400), Case("GET / HTTX/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET /ü HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET file HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET ftp://x/file HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET /% HTTP/1.1\r\nHost: x\r\n\r\n", 400), Case("GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("(GET) / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case(String(repeating: "M", count: 200) + " / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            Case("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505), Case("GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505),
            Case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501),
            Case("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501), Case("get / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            Case("PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            Case("GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            Case("GET /" + String(repeating: "a", count: 100_000), 414),
            Case("GET /" + String(repeating: "a/", count: 2100) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            Case(
                "GET /" + String(repeating: "a", count: 256) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
        ]

        private static let fields = [
            Case("GET / HTTP/1.1\r\n\r\n", 400), Case("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400), Case("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nName : value\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\n: value\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nFolded: a\r\n b\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nZero: a\0b\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nBare: a\rb\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            Case("GET / HTTP/1.1\r\nHost: x\r\nLong: " + String(repeating: "v", count: 20_000) + "\r\n\r\n", 431),
            Case("GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "a: b\r\n", count: 200) + "\r\n", 431),
            Case("GET / HTTP/1.1\r\nHost: x\r\nLong: " + String(repeating: "v", count: 500_000), 431),
        ]

        private let site: Site

        init() throws { site = try Site(["index.html": "index", "file": "file"]) }

        @Test(arguments: Via.allCases)
        func aWrongRequestLineIsAnsweredWithItsReason(_ via: Via) throws {
            for each in Self.requestLines { try check(each, via) }
            #expect(try site.fetch(via, "/file").bodyText == "file")
        }

        @Test(arguments: Via.allCases)
        func wrongFieldsAreAnsweredWithTheirReason(_ via: Via) throws {
            for each in Self.fields { try check(each, via) }
            #expect(try site.fetch(via, "/file").bodyText == "file")
        }

        /// One answer with the status, which says that it is the last, and nothing after it.
        private func check(_ each: Case, _ via: Via) throws {
            let answer = try site.converse(via, each.request)
            let name = Comment(rawValue: each.testDescription)
            #expect(answer.hasPrefix("HTTP/1.1 \(each.status) "), name)
            #expect(answer.components(of: "HTTP/1.1 ").count == 2, name)
            #expect(answer.contains("\r\nDate: "), name)
            #expect(answer.contains("\r\nConnection: close\r\n"), name)
        }

        @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
        func aKnownMethodThatIsNotSupportedIsToldWhatIs(_ method: String) throws {
            let response = try site.fetch(.mount, "/file", method: method)
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET, HEAD")
            #expect(response["Connection"] == "close")
        }

        /// The largest head that is allowed, and one byte more.
        @Test func theBoundsAreExact() throws {
            func head(_ byteCount: Int) -> String {
                let text = "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\nLong: "
                return text + String(repeating: "v", count: byteCount - text.utf8.count - 4) + "\r\n\r\n"
            }
            #expect(try site.converse(.mount, head(16384)).hasPrefix("HTTP/1.1 200 "))
            #expect(try site.converse(.mount, head(16385)).hasPrefix("HTTP/1.1 431 "))
            let target = "/file?" + String(repeating: "q", count: 8192 - 6)
            #expect(try site.fetch(.mount, target).status == 200)
            #expect(try site.fetch(.mount, target + "q").status == 414)
        }

        @Test func http12IsServedAsHTTP11() throws {
            #expect(try HTTPConnection.fetch(site.server.port, "/file", version: "1.2").bodyText == "file")
        }
    }
}

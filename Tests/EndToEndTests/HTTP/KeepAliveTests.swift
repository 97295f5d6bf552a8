import Glibc
import Testing

extension EndToEnd {
    /// What a connection is kept for, and when it ends.
    @Suite(.timeLimit(.minutes(1)))
    struct KeepAliveTests {
        private let site: Site

        init() throws { site = try Site(["a": "first", "b": "second", "index.html": "index"]) }

        @Test(arguments: Via.allCases)
        func keepAliveServesTwoRequestsOnOneConnection(_ via: Via) throws {
            let connection = try site.connect(via)
            let first = try connection.exchange("/a")
            let second = try connection.exchange("/b")
            #expect(first.bodyText == "first")
            #expect(second.bodyText == "second")
            #expect(first["Connection"] == nil)
            #expect(try site.server.metrics()["serverfs_http_connections_total{outcome=\"accepted\"}"] == 1)
        }

        @Test(arguments: Via.allCases)
        func connectionCloseIsAnsweredAndClosed(_ via: Via) throws {
            let connection = try site.connect(via)
            let response = try connection.exchange("/a", fields: ["Connection: close"])
            #expect(response.bodyText == "first")
            #expect(response["Connection"] == "close")
            #expect(connection.socket.isClosed(withinSeconds: 5))
        }

        @Test func closeIsFoundInAListAndInAnyCase() throws {
            let connection = try site.connect(.mount)
            let response = try connection.exchange("/a", fields: ["Connection: keep-alive, CLOSE"])
            #expect(response["Connection"] == "close")
            #expect(connection.socket.isClosed(withinSeconds: 5))
        }

        @Test func http10ClosesAfterItsResponse() throws {
            let connection = try site.connect(.mount)
            let response = try connection.exchange("/a", version: "1.0")
            #expect(response.bodyText == "first")
            #expect(response["Connection"] == "close")
            #expect(connection.socket.isClosed(withinSeconds: 5))
        }

        @Test func http10WithoutHostIsServed() throws {
            let answer = try site.converse(.mount, "GET /a HTTP/1.0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.hasSuffix("\r\n\r\nfirst"))
        }

        @Test func http10WithKeepAliveIsKeptAndToldSo() throws {
            let connection = try site.connect(.mount)
            for _ in 0..<3 {
                let response = try connection.exchange("/a", fields: ["Connection: keep-alive"], version: "1.0")
                #expect(response.bodyText == "first")
                #expect(response["Connection"]?.lowercased() == "keep-alive")
            }
        }

        /// The body is not read as a request, whatever it looks like.
        @Test(arguments: ["GET", "HEAD", "POST"])
        func aRequestWithABodyIsAnsweredAndClosed(_ method: String) throws {
            let body = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
            let request = HTTPConnection.request("/a", method: method, fields: ["Content-Length: \(body.utf8.count)"])
            let answer = try site.converse(.mount, request + body)
            #expect(answer.hasPrefix(method == "POST" ? "HTTP/1.1 405 " : "HTTP/1.1 200 "))
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.components(of: "HTTP/1.1 ").count == 2, "one response")
            #expect(!answer.contains("second"))
        }

        @Test func aChunkedBodyIsAnsweredAndClosed() throws {
            let request = HTTPConnection.request("/a", fields: ["Transfer-Encoding: chunked"])
            let answer = try site.converse(.mount, request + "5\r\nhello\r\n0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("Connection: close\r\n"))
        }

        @Test func expectWithoutABodyChangesNothing() throws {
            let connection = try site.connect(.mount)
            #expect(try connection.exchange("/a", fields: ["Expect: 100-continue"]).bodyText == "first")
            #expect(try connection.exchange("/b").bodyText == "second")
        }

        @Test func expectWithABodyIsAnsweredWithoutWaitingForIt() throws {
            let fields = ["Expect: 100-continue", "Content-Length: 10"]
            let connection = try site.connect(.mount)
            #expect(try connection.exchange("/a", fields: fields).status == 200)
            #expect(connection.socket.isClosed(withinSeconds: 3))
        }

        @Test func anErrorThatLeavesTheRequestKnownKeepsTheConnection() throws {
            let connection = try site.connect(.mount)
            #expect(try connection.exchange("/missing").status == 404)
            #expect(try connection.exchange("/a").bodyText == "first")
        }
    }

    /// `--keep-alive-timeout 1`, which starts when a response is done.
    @Suite(.timeLimit(.minutes(1)))
    struct IdleTimeoutTests {
        private let site: Site

        init() throws { site = try Site(["a": "first"], options: ["--keep-alive-timeout", "1"]) }

        @Test(arguments: Via.allCases)
        func anIdleConnectionIsClosedAfterItsTime(_ via: Via) throws {
            let connection = try site.connect(via)
            #expect(try connection.exchange("/a").status == 200)
            var isClosed = false
            let idle = seconds { isClosed = connection.socket.isClosed(withinSeconds: 5) }
            #expect(isClosed)
            #expect(idle < 3)
        }

        /// At any moment of the server's own second.
        @Test func anIdleConnectionIsKeptForItsTime() throws {
            for quarter in 0..<4 {
                // The connection before was closed when a second of the server's began.
                usleep(UInt32(quarter) * 250_000)
                let connection = try site.connect(.mount)
                let sinceAsked = Stopwatch()
                #expect(try connection.exchange("/a").status == 200)
                let isClosed = connection.socket.isClosed(withinSeconds: 5)
                let keptSeconds = sinceAsked.wallSeconds
                #expect(isClosed)
                // libevent's clock goes on in steps of some milliseconds.
                #expect(keptSeconds > 0.95)
            }
        }

        @Test func aConnectionInUseIsNotClosed() throws {
            let connection = try site.connect(.mount)
            for _ in 0..<20 {
                #expect(try connection.exchange("/a").status == 200)
                usleep(150_000)
            }
        }
    }
}

extension String {
    /// The pieces between the places where `separator` is.
    func components(of separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}

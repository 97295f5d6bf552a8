import Glibc
import Testing

extension EndToEnd {
    /// Requests that come many at a time, or a piece at a time.
    @Suite(.timeLimit(.minutes(1)))
    struct PipeliningTests {
        private let site: Site

        init() throws {
            var files: [String: String] = [:]
            for index in 0..<50 { files["\(index)"] = "this is file \(index)\n" + String(repeating: "x", count: index) }
            site = try Site(files)
        }

        private func expected(_ index: Int) -> String {
            "this is file \(index % 50)\n" + String(repeating: "x", count: index % 50)
        }

        /// Reads `count` responses and counts those that are not the one asked for at their place.
        private func countWrong(_ connection: HTTPConnection, _ count: Int) throws -> Int {
            var wrong = 0
            for index in 0..<count where try connection.receiveResponse().bodyText != expected(index) { wrong += 1 }
            return wrong
        }

        private func requests(_ count: Int, fields: [String] = []) -> String {
            (0..<count).map { HTTPConnection.request("/\($0 % 50)", fields: fields) }.joined()
        }

        @Test(arguments: Via.allCases)
        func fiveHundredRequestsInOneWriteAreAnsweredInOrder(_ via: Via) throws {
            let connection = try site.connect(via)
            try connection.socket.send(requests(500))
            #expect(try countWrong(connection, 500) == 0)
            #expect(try connection.exchange("/7").bodyText == expected(7))
        }

        @Test(arguments: Via.allCases)
        func aClientThatClosesItsSideGetsAllItsAnswers(_ via: Via) throws {
            for count in [1, 33, 500] {
                let connection = try site.connect(via)
                try connection.socket.send(requests(count))
                connection.socket.shutdownSending()
                #expect(try countWrong(connection, count) == 0)
                #expect(connection.socket.isClosed(withinSeconds: 3))
            }
        }

        /// The heads together are many times the server's buffer, and their ends lie anywhere in it.
        @Test(arguments: [100, 1000, 5000, 8100])
        func longHeadsAreAnsweredInOrder(_ headBytes: Int) throws {
            let connection = try site.connect(.mount)
            let text = requests(120, fields: ["X-Long: " + String(repeating: "y", count: headBytes)])
            let socket = connection.socket
            let sender = try ClientThreads(1) { _ in try socket.send(text) }
            #expect(try countWrong(connection, 120) == 0)
            try sender.join()
        }

        @Test(arguments: Via.allCases)
        func requestsBehindALargeBodyWaitForIt(_ via: Via) throws {
            let large = RandomBytes.make(8_000_000)
            try site.write("large", large)
            let connection = try site.connect(via)
            try connection.socket.send(HTTPConnection.request("/large") + requests(200))
            usleep(200_000)
            #expect(try connection.receiveResponse().body == large)
            #expect(try countWrong(connection, 200) == 0)
        }

        @Test func requestsBehindTheLastOneAreNotAnswered() throws {
            let last = HTTPConnection.request("/1", fields: ["Connection: close"])
            let answer = try site.converse(.mount, requests(1) + last + requests(10))
            #expect(answer.components(of: "HTTP/1.1 200 OK").count == 3)
            #expect(answer.hasSuffix(expected(1)))
        }

        @Test func requestsBehindAMalformedOneAreNotAnswered() throws {
            let answer = try site.converse(.mount, requests(2) + "BAD\r\n\r\n" + requests(10))
            #expect(answer.components(of: "HTTP/1.1 200 OK").count == 3)
            #expect(answer.components(of: "HTTP/1.1 400 ").count == 2)
        }

        @Test(arguments: Via.allCases)
        func requestsOneByteAtATimeAreAnswered(_ via: Via) throws {
            let connection = try site.connect(via)
            for byte in Array(requests(3).utf8) {
                try connection.socket.send([byte])
                usleep(200)
            }
            #expect(try countWrong(connection, 3) == 0)
        }

        @Test func requestsCutInTwoAnywhereAreAnswered() throws {
            let bytes = Array(requests(2).utf8)
            for cut in 1..<bytes.count {
                let connection = try site.connect(.mount)
                try connection.socket.send(Array(bytes[..<cut]))
                usleep(1000)
                try connection.socket.send(Array(bytes[cut...]))
                #expect(try countWrong(connection, 2) == 0, "cut after byte \(cut)")
            }
        }

        @Test func emptyLinesBeforeARequestAreSkipped() throws {
            let connection = try site.connect(.mount)
            try connection.socket.send("\r\n\r\n" + requests(1))
            #expect(try countWrong(connection, 1) == 0)
        }
    }
}

import Glibc
import Testing

extension EndToEnd {
    /// Bytes that are no HTTP. Afterwards the server is the same process and still serves.
    @Suite(.timeLimit(.minutes(1)))
    struct GarbageTests {
        private let site: Site

        init() throws { site = try Site(["index.html": "index", "file": "file"]) }

        private func expectServing() throws {
            for via in Via.allCases { #expect(try site.fetch(via, "/file").bodyText == "file") }
        }

        @Test func aTLSHelloIsAnsweredAndClosed() throws {
            let hello: [UInt8] =
                [0x16, 0x03, 0x01, 0x00, 0x2f, 0x01, 0x00, 0x00, 0x2b, 0x03, 0x03] + RandomBytes.make(32)
                + [0x00, 0x00, 0x02, 0x13, 0x01, 0x01, 0x00, 0x00]
            let socket = try ClientSocket(port: site.server.port)
            try socket.send(hello)
            let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            try expectServing()
        }

        /// Two thousand connections: random bytes, random requests out of HTTP's own pieces, and good requests with a few
        /// bytes changed; some are cut off at once, some half-closed.
        @Test func randomBytesDoNotStopTheServer() throws {
            let site = site
            try onThreads(4) { client in
                var generator = SeededGenerator(seed: UInt64(client))
                for _ in 0..<500 {
                    let socket = try ClientSocket(port: site.server.ports[client % 2], timeoutSeconds: 5)
                    try? socket.send(Self.makeGarbage(&generator))
                    if Bool.random(using: &generator) {
                        socket.shutdownSending()
                        _ = try socket.receiveAll()
                    }
                }
            }
            try expectServing()
            #expect(site.server.process.wait(seconds: 0) == nil)
        }

        private static func makeGarbage(_ generator: inout SeededGenerator) -> [UInt8] {
            let pieces = [
                "GET", "HEAD", "POST", " ", "  ", "/", "/file", "/../", "%00", "%2e", "HTTP/1.1", "HTTP/1.0", "\r\n",
                "\r",
                "\n", "\r\n\r\n", "Host: x", "Host:", ":", "Range: bytes=0-", "If-None-Match: \"", "Content-Length: 5",
                "Transfer-Encoding: chunked", "Connection: close", "\0", "\u{ff}", "?", "#",
            ]
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                let count = Int.random(in: 0...3000, using: &generator)
                return RandomBytes.make(count, from: Int.random(in: 0..<1_000_000, using: &generator))
            case 1:
                let count = Int.random(in: 1...60, using: &generator)
                return (0..<count).flatMap { _ in Array(pieces.randomElement(using: &generator)!.utf8) }
            default:
                var bytes = Array(HTTPConnection.request("/file", fields: ["Range: bytes=0-1"]).utf8)
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
                return bytes
            }
        }

        @Test func connectionsThatSendNothingAreNoHarm() throws {
            let silent = try (0..<200).map { _ in try ClientSocket(port: site.server.port) }
            try expectServing()
            #expect(silent.count == 200)
        }

        @Test func clientsThatGoAwayDuringAResponseAreNoHarm() throws {
            try site.write("large", RandomBytes.make(4_000_000))
            try expectServing()
            let server = site.server
            let before = ProcessFacts.descriptorCount(server.identifier)
            for index in 0..<100 {
                let socket = try ClientSocket(port: site.server.ports[index % 2], receiveBufferBytes: 4096)
                try socket.send(HTTPConnection.request("/large"))
            }
            try expectServing()
            // Each worker may by now keep the file open, twice for the mount.
            let areClosed = eventually(seconds: 5) { ProcessFacts.descriptorCount(server.identifier) <= before + 12 }
            let now = ProcessFacts.descriptorCount(server.identifier)
            #expect(areClosed, "\(before) descriptors before, \(now) now")
        }

        /// A client that goes on sending after its last response gets that response, and an end.
        @Test func aClientThatNeverStopsSendingIsClosed() throws {
            let socket = try ClientSocket(port: site.server.port, timeoutSeconds: 5)
            try socket.send("BAD REQUEST\r\n\r\n")
            let chunk = [UInt8](repeating: 0x78, count: 65536)
            var sent = 0
            while sent < 64 << 20 {
                do { try socket.send(chunk) } catch { break }
                sent += chunk.count
            }
            #expect(sent < 64 << 20)
            try expectServing()
        }
    }
}

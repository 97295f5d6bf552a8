import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Clients that take their response slowly hold up nobody else.
    @Suite(.timeLimit(.minutes(1)))
    struct SlowClientTests {
        private static let large: TreePath = "large"
        private let site: Site

        init() throws {
            site = try Site(["small": "small"], options: ["--workers", "1"])
            try site.write("large", RandomBytes.make(100_000_000))
        }

        /// One worker, so that slow and quick clients share a loop.
        @Test(arguments: Via.allCases)
        func aSlowReaderGetsItsBytesAndStopsNobody(_ via: Via) throws {
            let site = site
            let slow = try ClientThreads(1) { _ in
                let connection = try site.connect(via, receiveBufferBytes: 4096)
                try connection.socket.send(HTTPConnection.request(Self.large.target))
                let size = try connection.receiveHead().contentLength ?? 0
                let file = try OpenedFile(Self.large.absolute(in: site.docroot))
                var offset: Int64 = 0
                var pauses = 0
                try connection.receiveBody(size) { piece in
                    guard try file.equals(piece, at: offset) else {
                        throw ClientFailure.mismatch("another byte after \(offset)")
                    }
                    offset += Int64(piece.count)
                    if pauses < 100 {
                        pauses += 1
                        usleep(20_000)
                    }
                }
                guard offset == 100_000_000 else { throw ClientFailure.mismatch("\(offset) bytes") }
            }
            var slowest = 0.0
            for via in Via.allCases {
                let connection = try site.connect(via)
                for _ in 0..<200 {
                    let time = try seconds { _ = try connection.exchange("/small") }
                    slowest = max(slowest, time)
                    usleep(2000)
                }
            }
            #expect(slowest < 0.5)
            try slow.join()
        }

        @Test func manyClientsThatTakeNothingStopNobody() throws {
            let stalled = try (0..<300).map { index in
                let connection = try HTTPConnection(port: site.server.ports[index % 2], receiveBufferBytes: 4096)
                try connection.socket.send(HTTPConnection.request(Self.large.target))
                return connection
            }
            usleep(500_000)
            for via in Via.allCases {
                let connection = try site.connect(via)
                var slowest = 0.0
                for _ in 0..<100 {
                    let time = try seconds { _ = try connection.exchange("/small") }
                    slowest = max(slowest, time)
                }
                #expect(slowest < 0.5)
            }
            // None of them has cost processor time while it waited.
            let before = ProcessFacts.processorSeconds(site.server.identifier)
            usleep(1_000_000)
            #expect(ProcessFacts.processorSeconds(site.server.identifier) - before < 0.3)
            #expect(stalled.count == 300)
            #expect(site.server.stop() == .exited(0))
        }
    }
}

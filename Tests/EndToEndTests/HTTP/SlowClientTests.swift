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
            var times: [Double] = []
            for via in Via.allCases {
                let connection = try site.connect(via)
                for _ in 0..<200 {
                    times.append(try seconds { _ = try connection.exchange("/small") })
                    usleep(2000)
                }
            }
            expectQuick(times)
            try slow.join()
        }

        /// Now and then a request may have to wait for a processor, but not for a client.
        private func expectQuick(_ times: [Double]) {
            let late = times.filter { $0 >= 0.5 }
            #expect(late.count <= times.count / 100, "\(late)")
            #expect(late.allSatisfy { $0 < 1.5 }, "\(late)")
        }

        /// Waits until so many clients are connected and their sockets are full: nothing more is sent on either way.
        private func expectFullSockets(of clients: UInt64) throws {
            func bodyBytes(_ metrics: Metrics) -> [UInt64] { Via.allCases.map { metrics.bodyBytes(via: $0.rawValue) } }
            let areFull = try eventually(seconds: 20) {
                let before = bodyBytes(try site.server.metrics())
                usleep(300_000)
                let metrics = try site.server.metrics()
                return metrics["serverfs_http_connections_total{outcome=\"accepted\"}"] == clients
                    && !before.contains(0) && bodyBytes(metrics) == before
            }
            #expect(areFull)
        }

        @Test func manyClientsThatTakeNothingStopNobody() throws {
            let stalled = try (0..<300).map { index in
                let connection = try HTTPConnection(port: site.server.ports[index % 2], receiveBufferBytes: 4096)
                try connection.socket.send(HTTPConnection.request(Self.large.target))
                return connection
            }
            try expectFullSockets(of: 300)
            for via in Via.allCases {
                let connection = try site.connect(via)
                expectQuick(try (0..<100).map { _ in try seconds { _ = try connection.exchange("/small") } })
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

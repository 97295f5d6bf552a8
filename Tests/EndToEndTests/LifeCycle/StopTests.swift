import Glibc
import Platform
import Testing

extension EndToEnd {
    /// How the server ends, and that nothing is left behind.
    @Suite(.timeLimit(.minutes(1)))
    struct StopTests {
        private let site: Site

        init() throws {
            site = try Site(["index.html": String(repeating: "i", count: 26_400)])
            try site.write("large", RandomBytes.make(40_000_000))
        }

        private func expectNothingLeft(_ server: ServerProcess) {
            #expect(!server.isMounted)
            #expect(server.leftovers.isEmpty)
            #expect(!ProcessFacts.exists(server.identifier))
        }

        @Test(
            .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"),
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func aSignalUnderLoadEndsItWithinTwoSeconds(_ signal: CInt) throws {
            let server = site.server
            let load = try ChildProcess(
                ["wrk", "-t2", "-c400", "-d20s", "http://127.0.0.1:\(server.port)/"], in: site.folder)
            usleep(1_000_000)
            #expect(try server.metrics().requests(via: "mount") > 400)
            #expect(load.wait(seconds: 0) == nil)
            let time = seconds { #expect(server.stop(signal) == .exited(0)) }
            #expect(time < 2)
            expectNothingLeft(server)
        }

        /// The quickest of three: one thread ends after the other, and each may have to wait for a processor.
        @Test func anIdleServerEndsAtOnce() throws {
            var times: [Double] = []
            for site in [site, try Site(["index.html": "index"]), try Site(["index.html": "index"])] {
                let server = site.server
                let idle = try site.connect(.mount)
                #expect(try idle.exchange("/").status == 200)
                times.append(seconds { #expect(server.stop(SIGQUIT) == .exited(0)) })
                #expect(idle.socket.isClosed(withinSeconds: 1))
                expectNothingLeft(server)
            }
            #expect(times.contains { $0 < 0.5 }, "\(times)")
        }

        @Test(arguments: Via.allCases)
        func aResponseUnderWayIsCompleted(_ via: Via) throws {
            let connection = try site.connect(via, receiveBufferBytes: 65536)
            try connection.socket.send(HTTPConnection.request("/large"))
            let length = try #require(try connection.receiveHead().contentLength)
            // More than the sockets hold, and no more than is sent in the time that the server gives it.
            let rest = 12_000_000
            var count = 0
            try connection.receiveBody(length - rest) { count += $0.count }
            site.server.signal(SIGTERM)
            let isDraining = eventually(seconds: 1) { (try? site.connect(via)) == nil }
            #expect(isDraining)
            try connection.receiveBody(rest) { count += $0.count }
            #expect(count == 40_000_000)
            #expect(connection.socket.isClosed(withinSeconds: 2))
            #expect(site.server.process.wait(seconds: 2) == .exited(0))
            expectNothingLeft(site.server)
        }

        @Test(arguments: Via.allCases)
        func clientsThatTakeNothingDelayTheEndByLessThanTwoSeconds(_ via: Via) throws {
            let stalled = try (0..<50).map { _ in
                let connection = try site.connect(via, receiveBufferBytes: 4096)
                try connection.socket.send(HTTPConnection.request("/large"))
                return connection
            }
            usleep(200_000)
            let time = seconds { #expect(site.server.stop() == .exited(0)) }
            #expect(time < 2)
            #expect(stalled.count == 50)
            expectNothingLeft(site.server)
        }

        /// The first waits for a client that takes nothing; the second does not.
        @Test func aSecondSignalEndsItAtOnce() throws {
            let stalled = try site.connect(.mount, receiveBufferBytes: 4096)
            try stalled.socket.send(HTTPConnection.request("/large"))
            #expect(try stalled.receiveHead().status == 200)
            let port = site.server.port
            site.server.signal(SIGTERM)
            // The first thing that is done about it.
            let isRefused = eventually(seconds: 5) { (try? ClientSocket(port: port)) == nil }
            #expect(isRefused)
            // The status tells that the first has not come to its end.
            let time = seconds { #expect(site.server.stop(SIGINT) == .exited(128 + SIGINT)) }
            #expect(time < 2)
            expectNothingLeft(site.server)
        }

        @Test func noNewConnectionIsTakenAfterTheEnd() throws {
            let port = site.server.port
            #expect(site.server.stop() == .exited(0))
            #expect(throws: Errno.connectionRefused) { try ClientSocket(port: port) }
        }

        @Test func descriptorsDoNotGrowWithConnections() throws {
            for port in site.server.ports { _ = try HTTPConnection.fetch(port, "/") }
            usleep(100_000)
            let before = ProcessFacts.descriptorCount(site.server.identifier)
            for index in 0..<1000 { _ = try HTTPConnection.fetch(site.server.ports[index % 2], "/") }
            let server = site.server
            // Each of two workers may keep the index open, twice for the mount.
            let areClosed = eventually(seconds: 3) { ProcessFacts.descriptorCount(server.identifier) <= before + 6 }
            #expect(areClosed)
        }

        /// The mount's connection is cut under the server, as an operator can do, in the moment it is to end.
        @Test(.enabled(if: Capability.mountNamespaces, "unshare -m does not work here, which fusectl is mounted with"))
        func aServerWhoseMountIsAbortedStillEnds() throws {
            let device = try #require(try MountTable.entry(at: site.server.mountPoint)).device
            #expect(FuseConnection.abort(device: device))
            let time = seconds { #expect(site.server.stop() == .exited(0)) }
            #expect(time < 2)
            expectNothingLeft(site.server)
        }
    }
}

import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// A docroot that stops answering: who asks for what it does not give is told so, and nobody else notices.
    @Suite(.timeLimit(.minutes(2)))
    struct StallTests {
        private let folder: PrivateFolder
        private let docroot: StallingFolder

        init() throws {
            folder = try PrivateFolder()
            var files = ["warm": Array("warm".utf8), "large": RandomBytes.make(40_000_000)]
            for index in 0..<80 { files["cold\(index)"] = Array("cold".utf8) }
            docroot = try StallingFolder(files, in: folder)
        }

        /// One loop, which must not be lost, and two FUSE threads.
        private func serve(_ options: String...) throws -> ServerProcess {
            let server = try ServerProcess.serving(
                docroot.path, ["--workers", "1", "--stall-timeout", "1", "--fuse-stall-timeout", "off"] + options)
            for port in server.ports {
                #expect(try HTTPConnection.fetch(port, "/warm").bodyText == "warm")
            }
            return server
        }

        private func send(_ target: String, to port: UInt16) throws -> HTTPConnection {
            let connection = try HTTPConnection(port: port)
            try connection.socket.send(HTTPConnection.request(target))
            return connection
        }

        private func stuckRequests(_ server: ServerProcess) throws -> UInt64 {
            try server.metrics()["serverfs_http_stuck_requests_total"]
        }

        @Test(arguments: Via.allCases)
        func whatIsStuckIsAnswered504AndTheRestAsEver(_ via: Via) throws {
            let server = try serve("--stall-timeout", "5")
            let port = via == .mount ? server.port : server.bypassPort
            let before = try stuckRequests(server)
            try docroot.stall(keeping: ["warm"])
            // Several files, more than there are FUSE threads, and one of them asked for by many.
            let stuck =
                try (0..<6).map { try send("/cold\($0)", to: port) }
                + (0..<20).map { _ in try send("/cold0", to: port) }
            // The loop loses one thread after the other.
            let areStuck = try eventually(seconds: 4) { try stuckRequests(server) >= before + 6 }
            #expect(areStuck)
            for port in server.ports {
                for _ in 1...20 {
                    var text = ""
                    let time = try seconds { text = try HTTPConnection.fetch(port, "/warm").bodyText }
                    #expect(text == "warm")
                    #expect(time < 2)
                }
            }
            for connection in stuck {
                let response = try connection.receiveResponse()
                #expect(response.status == 504)
                #expect(response["Connection"] == "close")
            }
            docroot.resume()
            for index in 0..<6 { #expect(try HTTPConnection.fetch(port, "/cold\(index)").bodyText == "cold") }
            #expect(server.stop(seconds: 3) == .exited(0))
        }

        /// Before the time-out everybody gets what he has asked for, in the order asked.
        @Test(arguments: Via.allCases)
        func aDocrootThatComesBackInTimeIsOnlySlow(_ via: Via) throws {
            let server = try serve("--stall-timeout", "20")
            let port = via == .mount ? server.port : server.bypassPort
            try docroot.stall(keeping: ["warm"])
            let pipelined = try HTTPConnection(port: port)
            try pipelined.socket.send(
                ["/warm", "/cold1", "/warm", "/cold2", "/nothing", "/cold1"].map { HTTPConnection.request($0) }.joined()
            )
            let same = try (1...10).map { _ in try send("/cold1", to: port) }
            usleep(500_000)
            docroot.resume()
            for expected in ["warm", "cold", "warm", "cold", "404 Not Found\n", "cold"] {
                #expect(try pipelined.receiveResponse().bodyText == expected)
            }
            for connection in same { #expect(try connection.receiveResponse().bodyText == "cold") }
        }

        @Test(arguments: Via.allCases)
        func aBodyThatIsStuckEndsWithItsConnection(_ via: Via) throws {
            let server = try serve()
            let port = via == .mount ? server.port : server.bypassPort
            let connection = try HTTPConnection(port: port, receiveBufferBytes: 65536)
            try connection.socket.send(HTTPConnection.request("/large"))
            let head = try connection.receiveHead()
            #expect(head.contentLength == 40_000_000)
            try docroot.stall(keeping: ["warm"])
            let expected = RandomBytes.make(40_000_000)
            var position = 0
            let count = try connection.receiveRest { piece in
                for byte in piece {
                    if byte != expected[position] { Issue.record("a wrong byte at \(position)") }
                    position += 1
                }
            }
            #expect(count < 40_000_000)
            #expect(try HTTPConnection.fetch(port, "/warm").bodyText == "warm")
            docroot.resume()
            #expect(try HTTPConnection.fetch(port, "/large").body == expected)
        }

        /// No more than a bounded number of threads waits: who comes after that is told at once.
        @Test
        func moreStuckFilesThanThreadsAreAnswered503() throws {
            let server = try serve("--stall-timeout", "5")
            try docroot.stall(keeping: ["warm"])
            var stuck: [HTTPConnection] = []
            for index in 0..<80 { stuck.append(try send("/cold\(index)", to: server.bypassPort)) }
            var statuses: [Int: Int] = [:]
            for connection in stuck {
                let response = try connection.receiveResponse()
                statuses[response.status, default: 0] += 1
                if response.status == 503 { #expect(response["Retry-After"] == "1") }
            }
            #expect(statuses == [504: 64, 503: 16])
            docroot.resume()
            let isBack = try eventually(seconds: 5) {
                try HTTPConnection.fetch(server.bypassPort, "/cold1").status == 200
            }
            #expect(isBack)
        }

        /// The same in the middle of bodies: who would be one too many is cut off at once, not at the time-out.
        @Test
        func moreStuckBodiesThanThreadsAreCutOff() throws {
            let server = try serve("--stall-timeout", "60")
            let port = server.bypassPort
            let (started, cutOff, mayGoOn) = (SharedCount(), SharedCount(), SharedFlag())
            // Each takes nothing of its body at first: more than sockets hold, less than there is.
            let clients = try ClientThreads(72) { _ in
                let connection = try HTTPConnection(port: port, receiveBufferBytes: 16384, timeoutSeconds: 60)
                try connection.socket.send(HTTPConnection.request("/large", fields: ["Range: bytes=0-11999999"]))
                let length = try connection.receiveHead().contentLength ?? 0
                started.add()
                while !mayGoOn.isSet { usleep(10_000) }
                do {
                    try connection.receiveBody(length) { _ in }
                } catch ClientFailure.closed {
                    cutOff.add()
                }
            }
            let haveStarted = eventually(seconds: 10) { started.value == 72 }
            let standsStill = try server.sendingStandsStill(.bypass)
            let before = try stuckRequests(server)
            try docroot.stall(keeping: ["warm"])
            mayGoOn.set()
            let areCutOff = eventually(seconds: 25) { cutOff.value == 72 - 64 }
            #expect(haveStarted)
            #expect(standsStill)
            #expect(areCutOff, "\(cutOff.value) were cut off")
            // A call that is only slow counts too, but its thread ends: those that are left wait, and one has the loop.
            let areAllThatWait = eventually(seconds: 5) {
                ProcessFacts.threadNames(server.identifier).count { $0 == "http-0" } == 64 + 1
            }
            #expect(areAllThatWait)
            let metrics = try server.metrics()
            #expect(metrics["serverfs_http_stuck_requests_total"] - before >= 64)
            #expect(metrics["serverfs_http_truncated_responses_total"] == 72 - 64)
            // What is not read from a file is still answered.
            #expect(try HTTPConnection.fetch(port, "/warm", method: "POST").status == 405)
            docroot.resume()
            // The others get all of theirs.
            try clients.join()
            #expect(cutOff.value == 72 - 64)
            #expect(try HTTPConnection.fetch(port, "/cold1").status == 200)
        }

        /// Many ask for the one file that is stuck: at the time-out their sockets are closed, though the file is stuck still.
        @Test
        func whoeverWaitsForAStuckFileIsLetGoAtTheTimeOut() throws {
            let server = try serve("--stall-timeout", "3")
            func sockets() -> Int {
                ProcessFacts.descriptorTargets(server.identifier).count { $0.hasPrefix("socket:") }
            }
            let areClosedBefore = try eventually(seconds: 5) {
                try server.metrics()["serverfs_http_open_connections"] == 0
            }
            #expect(areClosedBefore)
            // A socket is closed just after its connection has been counted as closed.
            usleep(200_000)
            let before = sockets()
            try docroot.stall(keeping: ["warm"])
            var waiting = try (0..<40).map { _ in try send("/cold0", to: server.bypassPort) }
            let haveCome = eventually(seconds: 5) { sockets() == before + 40 }
            #expect(haveCome)
            for connection in waiting { #expect(try connection.receiveResponse().status == 504) }
            waiting = []
            // But for the one whose thread is stuck with it.
            let areClosed = eventually(seconds: 5) { sockets() <= before + 1 }
            #expect(areClosed, "\(before) sockets before, \(sockets()) now")
            docroot.resume()
            let isLast = eventually(seconds: 5) { sockets() == before }
            #expect(isLast)
        }

        /// What is stuck in the docroot cannot be ended, but no client waits for that, and nothing is left when it comes back.
        @Test
        func aStuckServerStillStops() throws {
            let server = try serve()
            let before = try stuckRequests(server)
            try docroot.stall(keeping: ["warm"])
            let connections = try [send("/cold1", to: server.port), send("/cold2", to: server.bypassPort)]
            // A connection whose request has not been read by the end is closed.
            let areStuck = try eventually(seconds: 5) { try stuckRequests(server) >= before + 2 }
            #expect(areStuck)
            server.signal(SIGTERM)
            for connection in connections { #expect(try connection.receiveResponse().status == 504) }
            #expect(throws: (any Error).self) { try HTTPConnection.fetch(server.port, "/warm") }
            sleep(2)
            docroot.resume()
            #expect(server.process.wait(seconds: 3) != nil)
            #expect(!server.isMounted)
            #expect(server.leftovers.isEmpty)
        }
    }
}

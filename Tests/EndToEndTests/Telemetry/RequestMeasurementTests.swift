import Glibc
import Testing

extension EndToEnd {
    /// What serverfs says of the requests it has answered.
    @Suite(.timeLimit(.minutes(2)))
    struct RequestMeasurementTests {
        private let duration = "serverfs_http_request_duration_seconds"

        /// What a server says once it has written down that many requests: a client has its response a little earlier.
        private func metrics(_ server: ServerProcess, counts: [Via: UInt64]) throws -> Metrics {
            var metrics = try server.metrics()
            // Their phases are written down after their latencies.
            let isDone = try eventually(seconds: 5) {
                metrics = try server.metrics()
                return counts.allSatisfy { via, count in
                    let phases = metrics.sum("serverfs_http_phase_seconds_total{via=\"\(via)\"")
                    return metrics["\(duration)_count{via=\"\(via)\"}"] == count
                        && abs(phases - metrics.number("\(duration)_sum{via=\"\(via)\"}")) < 1e-6
                }
            }
            #expect(isDone)
            return metrics
        }

        @Test func eachRequestHasItsLatencyByTheWayItsFileWasRead() throws {
            let site = try Site(["file": "content", "folder/index.html": "index"])
            for _ in 1...5 { _ = try site.fetch(.mount, "/file") }
            _ = try site.fetch(.mount, "/missing")
            _ = try site.fetch(.mount, "/folder")
            _ = try site.fetch(.bypass, "/folder/", method: "HEAD")
            _ = try site.converse(.mount, "nonsense\r\n\r\n")
            let metrics = try metrics(site.server, counts: [.mount: 7, .bypass: 1])
            #expect(metrics["\(duration)_count{via=\"mount\"}"] == 7)
            #expect(metrics["\(duration)_count{via=\"bypass\"}"] == 1)
            #expect(metrics["\(duration)_bucket{via=\"mount\",le=\"+Inf\"}"] == 7)
            #expect(metrics.requests(via: "mount") == 7)
            for via in ["mount", "bypass"] {
                let sum = metrics.number("\(duration)_sum{via=\"\(via)\"}")
                let phases = metrics.sum("serverfs_http_phase_seconds_total{via=\"\(via)\"")
                #expect(sum > 0)
                #expect(abs(phases - sum) < 1e-6)
            }
        }

        @Test func pipelinedRequestsAreTimedEach() throws {
            let site = try Site(["file": "content"])
            let connection = try site.connect(.mount)
            try connection.socket.send(String(repeating: HTTPConnection.request("/file"), count: 100))
            for _ in 1...100 { #expect(try connection.receiveResponse().status == 200) }
            let metrics = try metrics(site.server, counts: [.mount: 100])
            #expect(metrics["\(duration)_count{via=\"mount\"}"] == 100)
            let sum = metrics.number("\(duration)_sum{via=\"mount\"}")
            #expect(abs(metrics.sum("serverfs_http_phase_seconds_total{via=\"mount\"") - sum) < 1e-6)
        }

        /// The time of a head counts from its first byte, and that of a response up to its last.
        @Test(arguments: Via.allCases)
        func whatTheClientLetsWaitIsWaiting(_ via: Via) throws {
            let site = try Site(options: ["--workers", "1"])
            try site.write("large", RandomBytes.make(20_000_000))
            let connection = try site.connect(via, receiveBufferBytes: 65536)
            try connection.socket.send("GET /large HT")
            // Its time begins when the first byte is read, and waits for the client when the sockets are full.
            try site.server.letTheLoopTurn(via)
            usleep(300_000)
            try connection.socket.send("TP/1.1\r\nHost: localhost\r\n\r\n")
            let head = try connection.receiveHead()
            #expect(head.contentLength == 20_000_000)
            #expect(try site.server.sendingStandsStill(via))
            usleep(300_000)
            try connection.receiveBody(20_000_000) { _ in }
            let metrics = try metrics(site.server, counts: [via: 1])
            let wait = metrics.number("serverfs_http_phase_seconds_total{via=\"\(via)\",phase=\"wait\"}")
            let sum = metrics.number("\(duration)_sum{via=\"\(via)\"}")
            #expect(wait > 0.55)
            #expect(wait < sum)
            #expect(abs(metrics.sum("serverfs_http_phase_seconds_total{via=\"\(via)\"") - sum) < 1e-6)
            #expect(metrics["serverfs_http_slow_requests_total"] == 1)
        }

        @Test func aBodyThatIsCopiedIsReadAndSent() throws {
            let site = try Site(options: ["--profile", "seed"])
            try site.write("file", RandomBytes.make(1_000_000))
            #expect(try site.fetch(.mount, "/file").body.count == 1_000_000)
            let metrics = try metrics(site.server, counts: [.mount: 1])
            for phase in ["read", "send", "open", "parse"] {
                let time = metrics.number("serverfs_http_phase_seconds_total{via=\"mount\",phase=\"\(phase)\"}")
                #expect(time > 0, "\(phase)")
            }
            #expect(metrics.number("serverfs_http_phase_seconds_total{via=\"mount\",phase=\"sendfile\"}") == 0)
        }

        @Test func aBodyFromThePageCacheIsSentBySendfile() throws {
            let site = try Site(["file": "content"])
            waitUntilSettled()
            for via in Via.allCases { #expect(try site.fetch(via, "/file").bodyText == "content") }
            let metrics = try metrics(site.server, counts: [.mount: 1, .bypass: 1])
            for via in Via.allCases {
                let times = ["read", "send", "sendfile"].map {
                    metrics.number("serverfs_http_phase_seconds_total{via=\"\(via)\",phase=\"\($0)\"}")
                }
                // The head's send is told from it in traces only.
                #expect(times[0] == 0 && times[1] == 0 && times[2] > 0)
            }
        }

        @Test func withoutTelemetryNothingIsTimedAndEverythingCounted() throws {
            let site = try Site(["file": "content"], options: ["--telemetry", "off"])
            for _ in 1...100 { #expect(try site.fetch(.mount, "/file").bodyText == "content") }
            let metrics = try site.server.metrics()
            #expect(metrics.requests(via: "mount") == 100)
            #expect(metrics["\(duration)_count{via=\"mount\"}"] == 0)
            #expect(metrics.sum("serverfs_http_phase_seconds_total{") == 0)
            #expect(metrics["serverfs_telemetry_enabled"] == 0)
            #expect(site.server.bannerValue("telemetry")?.hasPrefix("off") == true)
        }

        @Test func whatTheLoopsUseIsSharedOutByTheWayOfTheirRequests() throws {
            let site = try Site(["file": "content"], options: ["--workers", "1"])
            let connections = try Via.allCases.map { try site.connect($0) }
            func processorTime(_ via: Via) throws -> Double {
                try site.server.metrics().number("serverfs_http_cpu_seconds_total{via=\"\(via)\"}")
            }
            // Only once a second is it shared out.
            let isShared = try eventually(seconds: 20) {
                for _ in 1...50 { for connection in connections { _ = try connection.exchange("/file") } }
                return try processorTime(.mount) > 0 && processorTime(.bypass) > 0
            }
            #expect(isShared)
            let metrics = try site.server.metrics()
            let loops = metrics.number("serverfs_thread_cpu_seconds_total{thread=\"http-0\"}")
            #expect(metrics.sum("serverfs_http_cpu_seconds_total{") <= loops + 0.01)
            #expect(metrics.sum("serverfs_http_context_switches_total{") > 0)
            #expect(metrics["serverfs_thread_context_switches_total{thread=\"http-0\",kind=\"voluntary\"}"] > 50)
        }

        @Test func aRequestThatIsStuckIsSlowAndAnswered504AfterItsWholeTime() throws {
            let folder = try PrivateFolder()
            let docroot = try StallingFolder(["warm": Array("warm".utf8), "cold": Array("cold".utf8)], in: folder)
            let server = try ServerProcess.serving(
                docroot.path, ["--workers", "1", "--stall-timeout", "1", "--fuse-stall-timeout", "off"])
            #expect(try HTTPConnection.fetch(server.port, "/warm").status == 200)
            try docroot.stall()
            for _ in 1...2 { #expect(try HTTPConnection.fetch(server.port, "/cold").status == 504) }
            docroot.resume()
            #expect(try HTTPConnection.fetch(server.port, "/cold").status == 200)
            let metrics = try metrics(server, counts: [.mount: 4])
            #expect(metrics["serverfs_http_slow_requests_total"] >= 2)
            #expect(metrics.number("serverfs_http_phase_seconds_total{via=\"mount\",phase=\"wait\"}") > 1.8)
            #expect(metrics["\(duration)_count{via=\"mount\"}"] == metrics.requests(via: "mount"))
            let sum = metrics.number("\(duration)_sum{via=\"mount\"}")
            #expect(abs(metrics.sum("serverfs_http_phase_seconds_total{via=\"mount\"") - sum) < 1e-6)
        }

        /// One that comes back in time has all its time, on whichever threads it was spent.
        @Test func aRequestThatOutlivesItsThreadIsTimedThroughout() throws {
            let folder = try PrivateFolder()
            let docroot = try StallingFolder(["warm": Array("warm".utf8), "cold": Array("cold".utf8)], in: folder)
            let server = try ServerProcess.serving(
                docroot.path, ["--workers", "1", "--stall-timeout", "20", "--fuse-stall-timeout", "off"])
            #expect(try HTTPConnection.fetch(server.bypassPort, "/warm").status == 200)
            let stuckRequests = "serverfs_http_stuck_requests_total"
            let before = try server.metrics()[stuckRequests]
            try docroot.stall()
            let connections = try (1...2).map { _ in
                let connection = try HTTPConnection(port: server.bypassPort)
                try connection.socket.send(HTTPConnection.request("/cold"))
                return connection
            }
            let isStuck = try eventually(seconds: 5) { try server.metrics()[stuckRequests] > before }
            #expect(isStuck)
            // The second has been read too.
            try server.letTheLoopTurn(.bypass)
            usleep(700_000)
            docroot.resume()
            for connection in connections { #expect(try connection.receiveResponse().bodyText == "cold") }
            let metrics = try metrics(server, counts: [.bypass: 3])
            #expect(metrics["\(duration)_count{via=\"bypass\"}"] == 3)
            // The first was in open(2) all the time, the second waited for it.
            for phase in ["open", "wait"] {
                let time = metrics.number("serverfs_http_phase_seconds_total{via=\"bypass\",phase=\"\(phase)\"}")
                #expect(time > 0.5, "\(phase)")
            }
            let sum = metrics.number("\(duration)_sum{via=\"bypass\"}")
            #expect(abs(metrics.sum("serverfs_http_phase_seconds_total{via=\"bypass\"") - sum) < 1e-6)
        }
    }
}

extension ServerProcess {
    /// Has a server with one event loop answer another connection's request: what came before on this way has been read by then,
    /// and what was answered before is written down. No file is looked for, so the request is neither measured nor waits.
    func letTheLoopTurn(_ via: Via) throws {
        #expect(try HTTPConnection.fetch(via == .mount ? port : bypassPort, "/", method: "POST").status == 405)
    }

    /// Waits until all is sent that the sockets take of bodies which their clients do not.
    ///
    /// - Returns: whether something was sent, and nothing more for 0.3 s.
    func sendingStandsStill(_ via: Via) throws -> Bool {
        var (sent, quiet) = (UInt64(0), 0)
        return try eventually(seconds: 20) {
            let now = try metrics().bodyBytes(via: via.rawValue)
            (sent, quiet) = (now, now > 0 && now == sent ? quiet + 1 : 0)
            if quiet < 3 { usleep(100_000) }
            return quiet == 3
        }
    }
}

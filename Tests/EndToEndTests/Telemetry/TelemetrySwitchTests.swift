import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `PUT /telemetry` switches whether times are taken while serverfs runs.
    @Suite(.timeLimit(.minutes(3)))
    struct TelemetrySwitchTests {
        private let duration = "serverfs_http_request_duration_seconds"

        private func turn(_ site: AdminSite, _ isOn: Bool) throws {
            let response = try site.admin.fetch("/telemetry", method: "PUT", body: isOn ? "on" : "off")
            #expect(response.status == 200)
            #expect(response.bodyText == "{\"telemetry\":\(isOn)}")
        }

        /// Latencies that are written down, of HTTP and of FUSE, and requests that are counted.
        private struct Counts: Equatable {
            let latencies: [UInt64]
            let requests: [UInt64]

            init(_ metrics: Metrics) {
                latencies = [
                    metrics["serverfs_http_request_duration_seconds_count{via=\"mount\"}"],
                    metrics["serverfs_http_request_duration_seconds_count{via=\"bypass\"}"],
                    metrics["serverfs_fuse_request_duration_seconds_count{operation=\"open\"}"],
                ]
                requests = [
                    metrics.requests(via: "mount"), metrics.requests(via: "bypass"), metrics.fuseRequests("open"),
                ]
            }
        }

        private func counts(_ site: AdminSite) throws -> Counts {
            Counts(Metrics(try site.admin.fetch("/metrics").bodyText))
        }

        @Test func itIsSwitchedAndSaidEverywhere() throws {
            let site = try AdminSite(options: ["--telemetry", "off"])
            for (word, isOn) in [("on", true), ("on", true), ("off", false), (" on\n", true)] {
                let response = try site.admin.fetch("/telemetry", method: "PUT", body: word)
                #expect(response.status == 200)
                #expect(response.bodyText == "{\"telemetry\":\(isOn)}")
                let status = try site.status()
                #expect(status["telemetry"] as? Bool == isOn)
                #expect(status["options.telemetry"] as? String == (isOn ? "on" : "off"))
                #expect(status["requestedOptions.telemetry"] as? String == "off")
                let metrics = Metrics(try site.admin.fetch("/metrics").bodyText)
                #expect(metrics["serverfs_telemetry_enabled"] == (isOn ? 1 : 0))
            }
            for word in ["", "On", "true", "1", "on off", String(repeating: "on", count: 400)] {
                #expect(try site.admin.fetch("/telemetry", method: "PUT", body: word).status == 400)
            }
            #expect(
                try site.admin.fetch("/telemetry", method: "PUT", body: String(repeating: "x", count: 9000)).status
                    == 413)
            for method in ["GET", "POST"] {
                let response = try site.admin.fetch("/telemetry", method: method)
                #expect(response.status == 405)
                #expect(response["Allow"] == "PUT")
            }
            // Nothing of that has changed it; and without a mount it is there as well.
            #expect(try site.status()["telemetry"] as? Bool == true)
            let bare = try AdminSite(options: ["--bypass"])
            try turn(bare, false)
            #expect(try bare.status()["telemetry"] as? Bool == false)
        }

        /// On both ways, under load: each request asks FUSE for an `open`.
        @Test func latenciesStopAndGoOnAndCountersNeverStop() throws {
            let site = try AdminSite(options: ["--fuse-open", "per-open", "--open-file-cache", "off"])
            let done = SharedFlag()
            let clients = try ClientThreads(4) { client in
                let connection = try site.site.connect(client % 2 == 0 ? .mount : .bypass)
                while !done.isSet {
                    guard try connection.exchange("/file").bodyText == "bytes" else {
                        throw ClientFailure.mismatch("another body")
                    }
                }
            }
            defer { done.set() }
            for isOn in [true, false, true, false, true] {
                try turn(site, isOn)
                // What was under way when it was turned may still be written down.
                let isTurned = try eventually(seconds: 20) {
                    let before = try counts(site)
                    let haveMoved = try eventually(seconds: 20) {
                        zip(try counts(site).requests, before.requests).allSatisfy { $0 > $1 + 20 }
                    }
                    let after = try counts(site)
                    let haveAllRisen = zip(after.latencies, before.latencies).allSatisfy { $0 > $1 }
                    return haveMoved && (isOn ? haveAllRisen : after.latencies == before.latencies)
                }
                #expect(isTurned, "\(isOn)")
            }
            done.set()
            try clients.join()
        }

        /// However often it is turned in the middle of requests, no part of one is recorded without the others.
        @Test func whateverIsRecordedIsWhole() throws {
            let site = try AdminSite(options: ["--fuse-open", "per-open", "--open-file-cache", "off"])
            try site.site.write("large", RandomBytes.make(3_000_000))
            let done = SharedFlag()
            let clients = try ClientThreads(4) { client in
                let connection = try site.site.connect(client % 2 == 0 ? .mount : .bypass, receiveBufferBytes: 65536)
                while !done.isSet {
                    // Larger than a socket takes at once: it is left and taken up again.
                    guard try connection.exchange(client < 2 ? "/large" : "/file").status == 200 else {
                        throw ClientFailure.mismatch("no file")
                    }
                }
            }
            defer { done.set() }
            for round in 0..<150 {
                try turn(site, round % 2 == 0)
                usleep(UInt32.random(in: 0...20_000))
            }
            done.set()
            try clients.join()
            var metrics = Metrics("")
            /// Whether all parts together are what was recorded of the whole.
            func areWhole(_ parts: String, _ whole: String) -> Bool {
                metrics.sum(whole) > 0 && abs(metrics.sum(parts) - metrics.sum(whole)) < 1e-6
            }
            let isWhole = try eventually(seconds: 10) {
                metrics = Metrics(try site.admin.fetch("/metrics").bodyText)
                return areWhole("serverfs_fuse_seconds_total{", "serverfs_fuse_request_duration_seconds_sum{")
                    && Via.allCases.allSatisfy {
                        areWhole("serverfs_http_phase_seconds_total{via=\"\($0)\"", "\(duration)_sum{via=\"\($0)\"")
                    }
            }
            #expect(isWhole)
            for via in Via.allCases {
                let count = metrics["\(duration)_count{via=\"\(via)\"}"]
                #expect(count > 0 && count < metrics.requests(via: via.rawValue))
            }
        }

        /// A request that waits while it is turned: for the rest of its head, or for its client to take the body.
        @Test(arguments: Via.allCases)
        func aRequestThatWasUnderWayHasItsTimeInFullOrNotAtAll(_ via: Via) throws {
            let site = try AdminSite(options: ["--workers", "1"])
            try site.site.write("large", RandomBytes.make(20_000_000))
            let other: Via = via == .mount ? .bypass : .mount
            /// A new connection's request: the event loop has seen the switch since, read what came before, or is done with it.
            func letTheLoopTurn() throws { _ = try site.site.fetch(other, "/missing") }

            /// What was recorded: how many requests, and how long they have waited.
            func recorded() throws -> (count: UInt64, waitSeconds: Double) {
                let metrics = Metrics(try site.admin.fetch("/metrics").bodyText)
                return (
                    metrics["\(duration)_count{via=\"\(via)\"}"],
                    metrics.number("serverfs_http_phase_seconds_total{via=\"\(via)\",phase=\"wait\"}")
                )
            }
            /// Waits until the server has had nothing to send or to receive for 0.3 s.
            func letAllBeSent() throws {
                var (sent, quiet) = (0.0, 0)
                _ = try eventually(seconds: 20) {
                    let metrics = Metrics(try site.admin.fetch("/metrics").bodyText)
                    let now = metrics.number("serverfs_http_body_bytes_total{via=\"\(via)\"}")
                    (sent, quiet) = (now, now == sent ? quiet + 1 : 0)
                    usleep(100_000)
                    return quiet == 3
                }
            }
            /// Turns it at the beginning and, for each further step, while a request waits.
            func expect(_ steps: [Bool], isRecorded: Bool, _ request: (_ wait: () throws -> Void) throws -> Void) throws
            {
                let before = try recorded()
                try turn(site, steps[0])
                try letTheLoopTurn()
                try request {
                    // It waits for the rest from when the first part has been read.
                    try letTheLoopTurn()
                    try letAllBeSent()
                    for step in steps.dropFirst() {
                        try turn(site, step)
                        try letTheLoopTurn()
                    }
                    usleep(100_000)
                }
                try letTheLoopTurn()
                let after = try recorded()
                #expect(after.count - before.count == (isRecorded ? 1 : 0), "\(steps)")
                #expect(isRecorded ? after.waitSeconds - before.waitSeconds > 0.3 : after == before, "\(steps)")
            }
            func slowHead(_ wait: () throws -> Void) throws {
                let connection = try site.site.connect(via)
                try connection.socket.send("GET /file HT")
                try wait()
                try connection.socket.send("TP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try connection.receiveResponse().bodyText == "bytes")
            }
            func slowBody(_ wait: () throws -> Void) throws {
                let connection = try site.site.connect(via, receiveBufferBytes: 65536)
                try connection.socket.send(HTTPConnection.request("/large"))
                let head = try connection.receiveHead()
                try wait()
                try connection.receiveBody(try #require(head.contentLength)) { _ in }
            }
            for request in [slowHead, slowBody] {
                for steps in [[true], [true, false, true]] { try expect(steps, isRecorded: true, request) }
                for steps in [[false, true], [true, false]] { try expect(steps, isRecorded: false, request) }
            }
        }
    }
}

import Testing

extension EndToEnd {
    /// Which FUSE requests an HTTP request has caused: those its thread has made.
    @Suite(.timeLimit(.minutes(1)))
    struct FuseCauseTests {
        /// The report's proxy: 7 FUSE requests for each of HTTP, and RELEASE is the only one of them that no thread makes: the
        /// kernel sends it later.
        @Test(arguments: ["on", "off"])
        func theReportsProxyCausesSixAndTheKernelTheSeventh(_ telemetry: String) throws {
            let site = try Site(
                ["file": "content"], options: ["--profile", "seed", "--workers", "1", "--telemetry", telemetry])
            let connection = try site.connect(.mount)
            for _ in 1...3 { #expect(try connection.exchange("/file").bodyText == "content") }
            // What a request has caused is counted after its response.
            try site.server.letTheLoopTurn(.mount)
            // What the kernel still has to send of these is not counted with the next.
            let isQuiet = try eventually(seconds: 5) {
                let metrics = try site.server.metrics()
                return metrics.fuseRequests("release") == metrics.fuseRequests("open")
            }
            #expect(isQuiet)
            let before = try site.server.metrics()
            for _ in 1...50 { #expect(try connection.exchange("/file").bodyText == "content") }
            try site.server.letTheLoopTurn(.mount)
            let isReleased = try eventually(seconds: 5) {
                let metrics = try site.server.metrics()
                return metrics.fuseRequests("release") - before.fuseRequests("release") == 50
            }
            #expect(isReleased)
            let after = try site.server.metrics()
            let all = after.sum("serverfs_fuse_requests_total{") - before.sum("serverfs_fuse_requests_total{")
            let caused =
                after["serverfs_http_fuse_requests_total"] - before["serverfs_http_fuse_requests_total"]
            #expect(all == 350)
            #expect(caused == 300)
            let service = after.number("serverfs_http_fuse_service_seconds_total")
            #expect(telemetry == "on" ? service > 0 : service == 0)
        }

        @Test func theBypassCausesNone() throws {
            let site = try Site(["file": "content"], options: ["--profile", "seed", "--workers", "1"])
            _ = try site.fetch(.mount, "/file")
            try site.server.letTheLoopTurn(.mount)
            let before = try site.server.metrics()
            for _ in 1...20 { #expect(try site.fetch(.bypass, "/file").bodyText == "content") }
            try site.server.letTheLoopTurn(.bypass)
            let after = try site.server.metrics()
            let name = "serverfs_http_fuse_requests_total"
            #expect(after[name] == before[name])
            #expect(before[name] > 0)
        }

        @Test func eachOperationHasItsLatencyAndItsParts() throws {
            let site = try Site(["file": "content"], options: ["--profile", "seed"])
            for _ in 1...20 { _ = try site.fetch(.mount, "/file") }
            for operation in ["lookup", "open", "read"] {
                let label = "operation=\"\(operation)\""
                var metrics = try site.server.metrics()
                // The latency is written down after the reply.
                let areAllTimed = try eventually(seconds: 5) {
                    metrics = try site.server.metrics()
                    return metrics["serverfs_fuse_request_duration_seconds_count{\(label)}"]
                        == metrics.fuseRequests(operation)
                }
                #expect(areAllTimed, "\(operation)")
                for part in ["service", "reply"] {
                    #expect(metrics.number("serverfs_fuse_seconds_total{\(label),part=\"\(part)\"}") > 0)
                }
            }
        }
    }
}

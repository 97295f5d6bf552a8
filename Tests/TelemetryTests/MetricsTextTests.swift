import Testing

@testable import Telemetry

@Suite struct MetricsTextTests {
    private let measurements = Measurements()

    private var lines: [String] {
        var metrics = MetricsText()
        metrics.addHTTP(measurements)
        metrics.addFUSE(measurements, inodes: 7)
        metrics.add(isDegraded: false, mountLosses: 2)
        return metrics.text.split(separator: "\n").map(String.init)
    }

    @Test func textNamesEveryFuseOperationAndBothServingPaths() {
        measurements.fuse.makeCounters().add(.lookup, 3)
        measurements.http.makeCounters().add(.bypassRequests, 5)
        let lines = lines
        #expect(lines.contains("serverfs_fuse_requests_total{operation=\"lookup\"} 3"))
        #expect(lines.contains("serverfs_http_requests_total{via=\"bypass\"} 5"))
        #expect(lines.contains("serverfs_http_requests_total{via=\"mount\"} 0"))
        #expect(lines.contains("serverfs_fuse_inodes 7"))
        #expect(lines.contains("serverfs_mount_losses_total 2"))
        for operation in FuseOperation.allCases.map(\.name) {
            #expect(lines.contains { $0.contains("{operation=\"\(operation)\"}") })
        }
    }

    /// Sums over the samples of a family are right only where none contains another.
    @Test func whatIsGivenUpIsAFamilyOfItsOwn() {
        let counters = measurements.http.makeCounters()
        counters.add(.stuckRequests, 5)
        counters.add(.stuckRequestsGivenUp, 2)
        let samples = lines.filter { $0.hasPrefix("serverfs_http_stuck") }
        #expect(samples == ["serverfs_http_stuck_requests_total 5", "serverfs_http_stuck_requests_given_up_total 2"])
    }

    @Test func openConnectionsAreThoseAcceptedAndNotClosed() {
        for (accepted, closed) in [(7, 0), (0, 3)] as [(UInt64, UInt64)] {
            let counters = measurements.http.makeCounters()
            counters.add(.connectionsAccepted, accepted)
            counters.add(.connectionsClosed, closed)
        }
        #expect(lines.contains("# TYPE serverfs_http_open_connections gauge"))
        #expect(lines.contains("serverfs_http_open_connections 4"))
    }

    /// Every family has its help and type before its samples, and none comes twice.
    @Test func everySampleFollowsTheTypeOfItsFamily() {
        var family = ""
        var families: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                family = String(words[2])
                #expect(families.insert(family).inserted, "\(family) comes twice")
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == family)
                #expect(words[3] == "counter" || words[3] == "gauge" || words[3] == "histogram")
                #expect((words[3] == "counter") == family.hasSuffix("_total"))
            } else {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                #expect(name == family || ["_bucket", "_sum", "_count"].contains { name == family + $0 })
                #expect(Double(words.last!) != nil)
            }
        }
    }

    @Test func bucketsOfAHistogramAddUp() throws {
        let latencies = measurements.requestLatency.makeLatencies()
        let values: [UInt64] = [900, 2_000, 80_000, 80_000, 3_000_000, 20_000_000_000]
        for value in values { latencies[.mount].record(nanoseconds: value) }
        func value(_ name: String) -> String? {
            lines.first { $0.hasPrefix("serverfs_http_request_duration_seconds\(name) ") }
                .map { String($0.split(separator: " ").last!) }
        }
        #expect(value("_bucket{via=\"mount\",le=\"0.000001\"}") == "1")
        #expect(value("_bucket{via=\"mount\",le=\"0.0000025\"}") == "2")
        #expect(value("_bucket{via=\"mount\",le=\"0.00005\"}") == "2")
        #expect(value("_bucket{via=\"mount\",le=\"0.0001\"}") == "4")
        #expect(value("_bucket{via=\"mount\",le=\"0.005\"}") == "5")
        #expect(value("_bucket{via=\"mount\",le=\"10\"}") == "5")
        #expect(value("_bucket{via=\"mount\",le=\"+Inf\"}") == "6")
        #expect(value("_count{via=\"mount\"}") == "6")
        #expect(value("_sum{via=\"mount\"}") == "20.0031629")
        #expect(value("_count{via=\"bypass\"}") == "0")
        let buckets = lines.filter { $0.contains("_request_duration_seconds_bucket{via=\"mount\"") }
            .map { UInt64($0.split(separator: " ").last!)! }
        #expect(buckets == buckets.sorted())
        #expect(buckets.count == MetricsText.latencyBoundsNanoseconds.count + 1)
    }

    @Test func timesAreInSecondsToTheNanosecond() {
        #expect(MetricsText.seconds(0) == "0")
        #expect(MetricsText.seconds(1) == "0.000000001")
        #expect(MetricsText.seconds(1_500_000_000) == "1.5")
        #expect(MetricsText.seconds(86_400_000_000_000) == "86400")
        #expect(MetricsText.seconds(.max) == "18446744073.709551615")
    }

    @Test func aLabelCannotEndItself() {
        #expect(MetricsText.quoted("http-0") == "\"http-0\"")
        #expect(MetricsText.quoted("a\"b\\c\nd") == "\"a\\\"b\\\\c\\nd\"")
    }

    /// 24 hours at 100 000 requests a second, each with 10 FUSE requests: nothing overflows and nothing grows.
    @Test func aDayOfCountersDoesNotOverflow() throws {
        let requests: UInt64 = 24 * 3600 * 100_000
        let counters = measurements.http.makeCounters()
        let phases = measurements.phases.makeCounters()
        counters.add(.mountRequests, requests)
        counters.add(.mountBodyBytes, requests * 1_000_000)
        counters.add(.mountFuseRequests, requests * 10)
        counters.add(.mountFuseServiceNanoseconds, requests * 1_000_000)
        phases.add(PhaseTime(.mount, .send), requests * 1_000_000)
        let latencies = measurements.requestLatency.makeLatencies()
        latencies[.mount].record(nanoseconds: 1_000_000, count: requests)
        latencies[.mount].record(nanoseconds: 2_000_000, count: requests)
        let summary = measurements.requestLatency.summary(.mount)
        #expect(summary.count == 2 * requests)
        #expect(summary.sumNanoseconds == requests * 3_000_000)
        #expect((990_000...1_010_000).contains(summary.nanoseconds(percentile: 40)))
        let lines = lines
        #expect(lines.contains("serverfs_http_requests_total{via=\"mount\"} 8640000000"))
        #expect(lines.contains("serverfs_http_body_bytes_total{via=\"mount\"} 8640000000000000"))
        #expect(lines.contains("serverfs_http_fuse_requests_total 86400000000"))
        #expect(lines.contains("serverfs_http_phase_seconds_total{via=\"mount\",phase=\"send\"} 8640000"))
        #expect(lines.contains("serverfs_http_request_duration_seconds_count{via=\"mount\"} 17280000000"))
        #expect(lines.contains("serverfs_http_request_duration_seconds_sum{via=\"mount\"} 25920000"))
        let longBefore = lines.count
        for _ in 0..<100_000 { latencies[.mount].record(nanoseconds: .random(in: 0...(.max / 1_000_000))) }
        #expect(self.lines.count == longBefore)
    }

    /// A loop whose threads are replaced again and again keeps its sums and takes no more memory.
    @Test func threadsThatComeAndGoLeaveTheirSums() {
        for _ in 0..<1000 {
            let meter = RequestMeter(measurements, threadName: "http-0", samplesAll: false)
            meter.counters.add(.mountRequests)
            meter.latencies[.mount].record(nanoseconds: 1000)
        }
        #expect(measurements.http[.mountRequests] == 1000)
        #expect(measurements.requestLatency.summary(.mount).count == 1000)
        #expect(measurements.requestLatency.memberCount == 1)
        #expect(measurements.tracer.buffers.isEmpty)
    }
}

import Glibc
import TestSupport
import Testing

@testable import Platform
@testable import Telemetry

/// 24 hours at 100,000 requests a second, each of which takes a second: nothing overflows, and nothing grows.
@Suite(.timeLimit(.minutes(2))) struct DayTests {
    private static let requests: UInt64 = 24 * 3600 * 100_000
    private static let nanoseconds: UInt64 = 1_000_000_000

    private let measurements = Measurements()

    private var lines: [String] {
        var metrics = MetricsText()
        metrics.addHTTP(measurements)
        metrics.addFUSE(measurements, inodes: 7)
        return metrics.text.split(separator: "\n").map(String.init)
    }

    /// All that a FUSE thread writes into, on each of two threads: their sums are beyond 2⁶³.
    @Test func fuseCountersAndTimesAreExactToTheirLastDigit() {
        for _ in 0..<2 {
            let counters = measurements.fuse.makeCounters()
            let times = measurements.fuseTimes.makeCounters()
            let latencies = measurements.fuseLatency.makeLatencies()
            for counter in FuseCounter.allCases { counters.add(counter, Self.requests * Self.nanoseconds + 1) }
            for time in FuseTime.allCases { times.add(time, Self.requests * Self.nanoseconds + 1) }
            for operation in FuseOperation.allCases {
                latencies[operation].record(nanoseconds: Self.nanoseconds, count: Self.requests)
                latencies[operation].record(nanoseconds: 1)
            }
        }
        let lines = lines
        for operation in FuseOperation.allCases.map(\.name) {
            let label = "operation=\"\(operation)\""
            #expect(lines.contains("serverfs_fuse_requests_total{\(label)} 17280000000000000002"))
            for part in FuseTime.Part.allCases {
                #expect(lines.contains("serverfs_fuse_seconds_total{\(label),part=\"\(part)\"} 17280000000.000000002"))
            }
            let duration = "serverfs_fuse_request_duration_seconds"
            #expect(lines.contains("\(duration)_count{\(label)} 17280000002"))
            #expect(lines.contains("\(duration)_sum{\(label)} 17280000000.000000002"))
            #expect(lines.contains("\(duration)_bucket{\(label),le=\"0.000001\"} 2"))
            #expect(lines.contains("\(duration)_bucket{\(label),le=\"0.5\"} 2"))
            #expect(lines.contains("\(duration)_bucket{\(label),le=\"1\"} 17280000002"))
        }
        #expect(lines.contains("serverfs_fuse_read_bytes_total 17280000000000000002"))
        #expect(lines.contains("serverfs_fuse_error_replies_total 17280000000000000002"))
    }

    /// The longest latency there is, so often that their sum is beyond 2⁶⁴: as with 20,000 slow downloads for ten days.
    @Test func aSumOutOfRangeGoesOnFromZeroAndTheDistributionStays() {
        let latencies = measurements.requestLatency.makeLatencies()
        let longest = LatencyHistogram.nanosecondsMax
        latencies[.mount].record(nanoseconds: 1000)
        latencies[.mount].record(nanoseconds: longest, count: Self.requests)
        let before = measurements.requestLatency.summary(.mount)
        #expect(before.sumNanoseconds == Self.requests &* longest &+ 1000)
        #expect(before.nanoseconds(percentiles: [0, 50, 100]) == [1003, longest, longest])
        let bounds = [500, 2000, longest - longest / 50, longest]
        #expect(before.counts(upToNanoseconds: bounds) == [0, 1, 1, before.count])

        // An interval's sum is right whatever the two it lies between are.
        let perSecond: UInt64 = 100_000
        latencies[.mount].record(nanoseconds: longest, count: perSecond)
        let interval = measurements.requestLatency.summary(.mount).since(before)
        #expect(interval.count == perSecond)
        #expect(interval.sumNanoseconds == perSecond * longest)
        #expect(interval.nanoseconds(percentiles: [0, 50, 100]) == [longest, longest, longest])
        #expect(lines.contains("serverfs_http_request_duration_seconds_count{via=\"mount\"} 8640100001"))
    }

    @Test func processorTimeAndSwitchesOfADayAreExact() {
        var metrics = MetricsText()
        var usage = ThreadUsage(name: "http-0", threadID: 7)
        usage.processorNanoseconds = 64 * 86_400_000_000_000 + 1
        usage.voluntarySwitches = Self.requests * 10
        usage.involuntarySwitches = .max
        metrics.add([usage])
        let thread = "thread=\"http-0\""
        #expect(metrics.text.contains("serverfs_thread_cpu_seconds_total{\(thread)} 5529600.000000001\n"))
        let switches = "serverfs_thread_context_switches_total{\(thread),kind="
        #expect(metrics.text.contains("\(switches)\"voluntary\"} 86400000000\n"))
        #expect(metrics.text.contains("\(switches)\"involuntary\"} 18446744073709551615\n"))
    }

    /// What a loop's thread has used is shared out once a second.
    @Test func aDayOfSharesAddsUpToWhatWasUsed() {
        let counters = measurements.http.makeCounters()
        var shares = UsageShares()
        var used = Telemetry.ProcessorUsage()
        for _ in 0..<86_400 {
            counters.add(.mountRequests, 70_000)
            counters.add(.bypassRequests, 30_001)
            used.nanoseconds += 999_999_999
            used.switches = used.switches &+ ContextSwitches(voluntary: 12_345, involuntary: 7)
            shares.settle(used, in: counters)
        }
        let sum = counters[.mountProcessorNanoseconds] + counters[.bypassProcessorNanoseconds]
        #expect(sum == 86_400 * 999_999_999)
        #expect(counters[.mountVoluntarySwitches] + counters[.bypassVoluntarySwitches] == 86_400 * 12_345)
        #expect(counters[.mountInvoluntarySwitches] + counters[.bypassInvoluntarySwitches] == 86_400 * 7)
        let share = Double(counters[.mountProcessorNanoseconds]) / Double(sum)
        #expect(abs(share - 70_000.0 / 100_001) < 1e-6)
    }

    /// 1,000 slow requests a second, in every 20th second of a day.
    @Test func slowRequestsAreBoundedInNumberAndInHowManyAreKeptInASecond() {
        let slow = measurements.slowRequests
        var number: UInt64 = 0
        var areNumbered = true
        for second in stride(from: UInt64(0), to: 86_400, by: 20) {
            var kept = 0
            for index in UInt64(0)..<1000 {
                number += 1
                let ended = second * 1_000_000_000 + index * 1_000_000
                guard let given = slow.count(at: ended) else { continue }
                areNumbered = areNumbered && given == number
                kept += 1
                slow.add(Self.slowRequest(given))
            }
            #expect(kept == 100)
            #expect(slow.latest.count <= 32)
        }
        #expect(areNumbered)
        #expect(slow.count == 4_320_000)
        // The last second's first hundred, of which the latest are there, the latest first.
        #expect(slow.latest.map(\.number) == (0..<32).map { 4_320_000 - 900 - $0 })
        #expect(lines.contains("serverfs_http_slow_requests_total 4320000"))
    }

    private static func slowRequest(_ number: UInt64) -> SlowRequest {
        SlowRequest(
            number: number, path: "/a folder with a name/and a file with one, which has memory of its own \(number)",
            servingPath: .mount, status: 200, endedUnixSeconds: 1_784_000_000, timeline: RequestTimeline())
    }

    /// In a process of its own, so that nobody else's memory is counted: a day's latencies, slow requests, and event loops and
    /// FUSE threads that are replaced 100,000 times.
    @Test func aDayLeavesNoMoreMemoryThanItsFirstMinute() async {
        await #expect(processExitsWith: .success) {
            let measurements = Measurements()
            func spend(threads: Int, seconds: UInt64, beginning: UInt64) {
                for _ in 0..<threads {
                    let meter = RequestMeter(measurements, threadName: "http-0", samplesAll: false)
                    let fuse = measurements.fuse.makeCounters()
                    let times = measurements.fuseTimes.makeCounters()
                    let latencies = measurements.fuseLatency.makeLatencies()
                    meter.counters.add(.mountRequests)
                    meter.latencies[.mount].record(nanoseconds: .random(in: 0...10_000_000_000))
                    latencies[.read].record(nanoseconds: .random(in: 0...10_000_000_000))
                    fuse.add(.read)
                    times.add(FuseTime(.read, .service), 1000)
                    measurements.fuse.retire(fuse)
                    measurements.fuseTimes.retire(times)
                    measurements.fuseLatency.retire(latencies)
                }
                for second in beginning..<(beginning + seconds) {
                    for _ in 0..<110 {
                        guard let number = measurements.slowRequests.count(at: second * 1_000_000_000) else { continue }
                        measurements.slowRequests.add(DayTests.slowRequest(number))
                    }
                }
            }
            spend(threads: 1000, seconds: 60, beginning: 0)
            var text = MetricsText()
            text.addHTTP(measurements)
            let before = ProcessFacts.memoryBytes(getpid(), "Rss")
            spend(threads: 100_000, seconds: 4320, beginning: 60)
            text = MetricsText()
            text.addHTTP(measurements)
            let grown = ProcessFacts.memoryBytes(getpid(), "Rss") - before
            precondition(before > 1 << 20 && grown < 1 << 20, "\(before) bytes, and \(grown) more")
            precondition(measurements.http[.mountRequests] == 101_000)
            precondition(measurements.fuse[.read] == 101_000)
            precondition(measurements.fuseTimes[FuseTime(.read, .service)] == 101_000_000)
            precondition(measurements.fuseLatency.summary(.read).count == 101_000)
            precondition(measurements.fuseLatency.memberCount == 1 && measurements.requestLatency.memberCount == 1)
            precondition(measurements.tracer.buffers.isEmpty && measurements.slowRequests.latest.count == 32)
        }
    }
}

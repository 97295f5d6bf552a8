import Platform
import Telemetry
import Testing

@testable import AdminServer

/// The figures of `/status` after a day at 100,000 requests a second, and after the longest time that they can count.
@Suite struct StatusReportTests {
    private let measurements = Measurements()

    private func makeReport() -> StatusReport {
        StatusReport(
            AdminSubject(
                version: "1", startNanoseconds: Clock.monotonicNanoseconds, options: { [] }, requestedOptions: [],
                measurements: measurements,
                state: {
                    ServerState(
                        bypass: false, isMounted: true, isDegraded: false, isServing: true, mountLosses: .max,
                        inodes: .max, watch: nil)
                },
                metricsText: { "" }, setBypass: { _ in false }))
    }

    private func text(_ report: StatusReport) -> String {
        String(decoding: report.make(isRecordingTrace: false).bytes, as: UTF8.self)
    }

    /// Beyond 2⁵³ a number is exact as text only: who reads it as a double has it to 16 digits.
    @Test func countersAreWrittenToTheirLastDigit() {
        let day: UInt64 = 8_640_000_000_000_000_001
        let http = measurements.http.makeCounters()
        let phases = measurements.phases.makeCounters()
        let fuse = measurements.fuse.makeCounters()
        let times = measurements.fuseTimes.makeCounters()
        for counter in HTTPCounter.allCases { http.add(counter, day) }
        for phase in PhaseTime.allCases { phases.add(phase, day) }
        for counter in FuseCounter.allCases { fuse.add(counter, .max) }
        for time in FuseTime.allCases { times.add(time, .max) }
        let text = text(makeReport())
        for name in [
            "requests", "bodyBytes", "mappedBodyBytes", "openFileHits", "openFileMisses", "fuseRequests",
            "processorNanoseconds",
            "voluntarySwitches", "accepted", "refused", "invalidRequests", "stuckRequests",
        ] {
            #expect(text.contains("\"\(name)\":\(day)"), "\(name)")
        }
        for phase in RequestPhase.allCases { #expect(text.contains("\"\(phase.name)\":\(day)"), "\(phase.name)") }
        for name in ["serviceNanoseconds", "replyNanoseconds", "readBytes", "errorReplies", "mountLosses"] {
            #expect(text.contains("\"\(name)\":18446744073709551615"), "\(name)")
        }
        #expect(text.contains("\"inodes\":9223372036854775807"))
    }

    /// A second of requests that have waited longer than 2⁶⁴ ns together.
    @Test func theLastSecondIsRightWhereverCountersAre() {
        let http = measurements.http.makeCounters()
        let latencies = measurements.requestLatency.makeLatencies()
        http.add(.mountRequests, .max - 2)
        for _ in 0..<3 { latencies[.mount].record(nanoseconds: .max / 2) }
        var report = makeReport()
        report.tick()
        http.add(.mountRequests, 5)
        for _ in 0..<5 { latencies[.mount].record(nanoseconds: 10_000_000_000_000) }
        report.tick()
        let text = text(report)
        let interval = text[(text.firstRange(of: "\"interval\"")?.lowerBound ?? text.endIndex)...]
        #expect(interval.contains("\"mount\":{\"requests\":5,\"latency\":{\"count\":5,"))
        #expect(interval.contains("\"sumNanoseconds\":50000000000000,"))
        #expect(interval.contains("\"maxNanoseconds\":36"))
        #expect(text.contains("\"mount\":{\"requests\":2,"))
    }
}

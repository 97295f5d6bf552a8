import Telemetry
import Testing

@Suite struct LatencySinceTests {
    private func summary(_ histogram: LatencyHistogram) -> LatencySummary {
        var summary = LatencySummary()
        histogram.add(to: &summary)
        return summary
    }

    @Test func anIntervalHasItsOwnDistribution() {
        let histogram = LatencyHistogram()
        for _ in 0..<1000 { histogram.record(nanoseconds: 5_000_000) }
        let before = summary(histogram)
        for value: UInt64 in [1000, 2000, 3000, 5_000_000] { histogram.record(nanoseconds: value) }
        let interval = summary(histogram).since(before)
        #expect(interval.count == 4)
        #expect(interval.sumNanoseconds == 5_006_000)
        // To two significant digits.
        #expect((1980...2020).contains(interval.nanoseconds(percentile: 50)))
        #expect((4_950_000...5_050_000).contains(interval.maxNanoseconds))
    }

    @Test func nothingNewIsNothing() {
        let histogram = LatencyHistogram()
        histogram.record(nanoseconds: LatencyHistogram.nanosecondsMax)
        let before = summary(histogram)
        #expect(before.since(before).count == 0)
        #expect(before.since(before).maxNanoseconds == 0)
        histogram.record(nanoseconds: .max)
        #expect(summary(histogram).since(before).count == 1)
        #expect(summary(histogram).since(LatencySummary()).count == 2)
    }
}

import Telemetry
import Testing

@Suite struct LatencySummaryTests {
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
        #expect(summary(histogram).counts(upToNanoseconds: [1_000_000_000_000, .max]) == [0, 2])
        #expect(summary(histogram).since(before).count == 1)
        #expect(summary(histogram).since(LatencySummary()).count == 2)
    }

    @Test func nothingHasNoLatency() {
        let nothing = summary(LatencyHistogram())
        #expect(nothing.nanoseconds(percentiles: [0, 50, 100]) == [0, 0, 0])
        #expect(nothing.counts(upToNanoseconds: [0, 1, .max]) == [0, 0, 0])
        #expect(nothing.nanoseconds(percentiles: []) == [])
        #expect(nothing.since(nothing).count == 0)
    }

    @Test func theLeastLatencyIsZero() {
        let histogram = LatencyHistogram()
        for value: UInt64 in [0, 0, 0, 1] { histogram.record(nanoseconds: value) }
        let summary = summary(histogram)
        #expect(summary.nanoseconds(percentiles: [0, 50, 75, 76, 100]) == [0, 0, 0, 1, 1])
        #expect(summary.counts(upToNanoseconds: [0, 1, 2]) == [3, 4, 4])
        #expect(summary.since(LatencySummary()).counts(upToNanoseconds: [0, 1, 2]) == [3, 4, 4])
    }

    /// Against the values themselves, which a histogram of two digits tells apart to a hundredth.
    @Test(arguments: 1...20)
    func everyFigureIsThatOfTheValues(_ round: Int) {
        let histogram = LatencyHistogram()
        let bounds: [UInt64] = (0...12).map { power in (0..<power).reduce(1) { product, _ in product * 10 } }
        let values = (0..<(round * 50)).map { _ in
            // Not so near to a bound that the two are one to the histogram.
            bounds.randomElement()! * .random(in: 2...9)
        }.sorted()
        for value in values { histogram.record(nanoseconds: value) }
        let summary = summary(histogram)
        #expect(summary.count == UInt64(values.count))
        #expect(summary.sumNanoseconds == values.reduce(0, &+))
        #expect(
            summary.counts(upToNanoseconds: bounds) == bounds.map { bound in UInt64(values.count { $0 <= bound }) })
        let percentiles: [Double] = [0, 0.1, 10, 50, 90, 99, 99.9, 100]
        for (percentile, found) in zip(percentiles, summary.nanoseconds(percentiles: percentiles)) {
            #expect(found == summary.nanoseconds(percentile: percentile))
            let index = max(Int((percentile.nextDown * Double(values.count) / 100).rounded(.up)), 1) - 1
            let expected = min(Double(values[index]), Double(LatencyHistogram.nanosecondsMax))
            #expect(abs(Double(found) - expected) <= expected / 100, "\(percentile)")
        }
        // An interval's figures are those of the values that have come in it.
        for value in values { histogram.record(nanoseconds: value) }
        let interval = self.summary(histogram).since(summary)
        #expect(interval.counts(upToNanoseconds: bounds) == summary.counts(upToNanoseconds: bounds))
        #expect(interval.nanoseconds(percentiles: percentiles) == summary.nanoseconds(percentiles: percentiles))
    }
}

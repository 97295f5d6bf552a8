internal import Histogram

/// What latency histograms hold at one moment, added up.
///
/// The histogram's own iterators add up latencies too and trap when that sum is out of range, and its own searches go through all
/// classes from 0 on, in generic code of another module that is not specialized: so here each class that may have a latency is
/// looked at once (`forEachClass`), whatever is asked.
package struct LatencySummary: Sendable {
    private var histogram = LatencyHistogram.empty
    /// Modulo 2⁶⁴, which are 584 years.
    package private(set) var sumNanoseconds: UInt64 = 0

    package init() {}

    package var count: UInt64 { histogram.totalCount }

    package var maxNanoseconds: UInt64 { count == 0 ? 0 : histogram.max }

    /// - Parameter percentile: 0 to 100.
    /// - Returns: 0 when there is nothing.
    package func nanoseconds(percentile: Double) -> UInt64 { nanoseconds(percentiles: [percentile])[0] }

    /// The latencies that so many percent of all did not exceed, as exactly as the histogram tells them apart.
    ///
    /// - Parameter percentiles: 0 to 100, in ascending order.
    /// - Returns: one for each; 0 when there is nothing.
    package func nanoseconds(percentiles: [Double]) -> [UInt64] {
        let ranks = percentiles.map(rank)
        var values: [UInt64] = []
        var sum: UInt64 = 0
        forEachClass { highest, count in
            sum &+= count
            while values.count < ranks.count, sum >= ranks[values.count] {
                values.append(min(highest, histogram.maxRecorded))
            }
        }
        return values + [UInt64](repeating: 0, count: ranks.count - values.count)
    }

    /// How many latencies a percentile is not to be exceeded by, 1 at least.
    private func rank(_ percentile: Double) -> UInt64 {
        // One unit in the last place less, so that rounding up does not lead to the next.
        let rank = (percentile.nextDown * Double(count) / 100).rounded(.up)
        return max(1, min(UInt64(exactly: rank) ?? count, count))
    }

    /// How many latencies were at most each of the bounds, as exactly as the histogram tells them apart.
    ///
    /// - Parameter bounds: nanoseconds, in ascending order.
    package func counts(upToNanoseconds bounds: [UInt64]) -> [UInt64] {
        let bounds = bounds.map { histogram.highestEquivalentForValue(min($0, LatencyHistogram.nanosecondsMax)) }
        var counts: [UInt64] = []
        var sum: UInt64 = 0
        forEachClass { highest, count in
            while counts.count < bounds.count, bounds[counts.count] < highest { counts.append(sum) }
            sum &+= count
        }
        return counts + [UInt64](repeating: sum, count: bounds.count - counts.count)
    }

    /// What has come since `earlier`, which was taken of the same latencies: an interval's own distribution.
    package func since(_ earlier: LatencySummary) -> LatencySummary {
        var difference = LatencySummary()
        guard count > earlier.count else { return difference }
        forEachClass { highest, count in
            let past = earlier.histogram.countForValue(highest)
            if count > past {
                // Within its class a latency is at most what there has ever been.
                difference.histogram.record(min(highest, histogram.maxRecorded), count: count &- past)
            }
        }
        difference.sumNanoseconds = sumNanoseconds &- earlier.sumNanoseconds
        return difference
    }

    /// Calls `body` with the highest latency of each class that has any and with how many it has, in ascending order.
    private func forEachClass(_ body: (_ highest: UInt64, _ count: UInt64) -> Void) {
        guard count > 0 else { return }
        let last = histogram.maxRecorded
        var latency = histogram.min
        while latency <= last {
            let highest = histogram.highestEquivalentForValue(latency)
            let count = histogram.countForValue(latency)
            if count > 0 { body(highest, count) }
            latency = highest + 1
        }
    }

    mutating func add(_ other: Histogram<UInt64>, sumNanoseconds: UInt64) {
        // One with nothing in it is not worth a copy of its own.
        if other.totalCount > 0 { histogram.add(other) }
        self.sumNanoseconds &+= sumNanoseconds
    }
}

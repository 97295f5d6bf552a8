internal import Histogram

extension LatencySummary {
    /// What has come since `earlier`, which was taken of the same latencies: an interval's own distribution.
    package func since(_ earlier: LatencySummary) -> LatencySummary {
        var difference = LatencySummary()
        guard count > earlier.count else { return difference }
        for recorded in histogram.recordedValues() {
            let past = earlier.histogram.countForValue(recorded.value)
            if recorded.count > past {
                // Within its class a latency is at most what there has ever been.
                difference.histogram.record(min(recorded.value, histogram.max), count: recorded.count - past)
            }
        }
        difference.sumNanoseconds = sumNanoseconds &- earlier.sumNanoseconds
        return difference
    }
}

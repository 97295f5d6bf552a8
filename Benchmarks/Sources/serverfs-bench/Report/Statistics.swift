/// The value in the middle, or the mean of the two in the middle. There must be one.
func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty)
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// A median and how far the values lie apart.
struct Spread: Equatable {
    let median: Double
    let min: Double
    let max: Double

    /// There must be at least one value.
    init(_ values: [Double]) {
        median = serverfs_bench.median(values)
        min = values.min()!
        max = values.max()!
    }
}

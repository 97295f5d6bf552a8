/// The value in the middle, or the mean of the two in the middle; NaN where one of them is none. There must be one.
func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty)
    if values.contains(where: \.isNaN) { return .nan }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// A median and how far the values lie apart.
struct Spread {
    let median: Double
    let min: Double
    let max: Double
    /// Of the median, as far as the values tell, were they spread as usual: 1.25 times that of the mean. NaN for one value.
    let standardError: Double

    /// There must be at least one value.
    init(_ values: [Double]) {
        median = serverfs_bench.median(values)
        min = values.min()!
        max = values.max()!
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        standardError = 1.25 * (variance / count).squareRoot()
    }
}

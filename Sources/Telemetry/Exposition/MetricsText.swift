/// Writes what is measured as text in the Prometheus exposition format, version 0.0.4.
package struct MetricsText {
    package private(set) var text = ""

    package init() {}

    /// One value of a family.
    package struct Sample {
        /// A label set such as `via="mount"`, or nothing.
        let labels: String
        let value: Value

        package init(_ labels: String, _ value: Value) {
            self.labels = labels
            self.value = value
        }
    }

    package enum Value {
        case count(UInt64)
        /// Written in seconds.
        case nanoseconds(UInt64)

        var text: String {
            switch self {
            case .count(let count): "\(count)"
            case .nanoseconds(let nanoseconds): MetricsText.seconds(nanoseconds)
            }
        }
    }

    /// Adds one metric family.
    ///
    /// - Parameters:
    ///   - name: in Prometheus's style: `serverfs_…_total` for counters, the unit before that.
    ///   - type: `counter` or `gauge`.
    package mutating func family(_ name: String, type: String, help: String, samples: [Sample]) {
        begin(name, type: type, help: help)
        for sample in samples { add(name, sample.labels, sample.value.text) }
    }

    /// Adds a family of counts.
    package mutating func family(_ name: String, type: String, help: String, samples: [(labels: String, value: UInt64)])
    {
        family(name, type: type, help: help, samples: samples.map { Sample($0.labels, .count($0.value)) })
    }

    /// Adds a family of histograms of latencies, in seconds: a label set and what was recorded for each.
    package mutating func histograms(
        _ name: String, help: String, samples: [(labels: String, summary: LatencySummary)]
    ) {
        begin(name, type: "histogram", help: help)
        for (labels, summary) in samples {
            let counts = summary.counts(upToNanoseconds: Self.latencyBoundsNanoseconds)
            for (bound, count) in zip(Self.latencyBounds, counts) {
                add("\(name)_bucket", "\(labels),le=\"\(bound)\"", "\(count)")
            }
            add("\(name)_bucket", "\(labels),le=\"+Inf\"", "\(summary.count)")
            add("\(name)_sum", labels, Self.seconds(summary.sumNanoseconds))
            add("\(name)_count", labels, "\(summary.count)")
        }
    }

    /// Upper bounds of a histogram's buckets: 1, 2.5 and 5 in each power of ten from 1 µs to 10 s.
    static let latencyBoundsNanoseconds: [UInt64] =
        [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
        .flatMap { [$0, $0 / 2 * 5, $0 * 5] } + [10_000_000_000]

    /// The same in seconds, as text.
    private static let latencyBounds = latencyBoundsNanoseconds.map(seconds)

    /// Nanoseconds as seconds, exactly.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard fraction > 0 else { return "\(whole)" }
        let digits = "\(fraction)"
        var decimals = String(repeating: "0", count: 9 - digits.count) + digits
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return "\(whole).\(decimals)"
    }

    /// The value of a label, with what would end it escaped.
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\\": quoted += "\\\\"
            case "\"": quoted += "\\\""
            case "\n": quoted += "\\n"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return quoted + "\""
    }

    private mutating func begin(_ name: String, type: String, help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func add(_ name: String, _ labels: String, _ value: String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }
}

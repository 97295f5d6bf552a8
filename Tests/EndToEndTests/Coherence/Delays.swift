/// How long changes took to be seen, by what kind they were. One thread.
struct Delays {
    /// What an answer may be late by.
    static let boundNanoseconds: UInt64 = 100_000_000
    /// What it must not be late by, however busy the machine is.
    static let neverNanoseconds: UInt64 = 1_000_000_000

    /// From the end of the change to the end of the first response with it: an upper bound.
    private var seen: [String: [UInt64]] = [:]
    /// Of each change, the longest time after which a request was still sent that got the old answer.
    private(set) var stale: [String: [UInt64]] = [:]

    mutating func add(_ label: String, seen nanoseconds: UInt64, stale staleNanoseconds: UInt64) {
        seen[label, default: []].append(nanoseconds)
        add(label, stale: staleNanoseconds)
    }

    mutating func add(_ label: String, stale nanoseconds: UInt64) { stale[label, default: []].append(nanoseconds) }

    var count: Int { seen.values.reduce(0) { $0 + $1.count } }

    /// Changes after which a request got the old answer though the bound had passed.
    var lateCount: Int { stale.values.reduce(0) { $0 + $1.count { $0 > Self.boundNanoseconds } } }

    var worstStale: UInt64 { stale.values.compactMap { $0.max() }.max() ?? 0 }

    var medians: [UInt64] { seen.values.map { $0.sorted()[$0.count / 2] } }

    /// One line for each label.
    func report(_ prefix: String) -> String {
        seen.keys.sorted().map { label in
            let sorted = seen[label]!.sorted()
            let staleMax = stale[label]!.max() ?? 0
            return "\(prefix) \(label): \(sorted.count) changes, seen after \(Self.text(sorted[sorted.count / 2])) ms "
                + "(median), \(Self.text(sorted.last!)) ms (worst); last old answer asked for after \(Self.text(staleMax)) ms"
        }.joined(separator: "\n")
    }

    static func text(_ nanoseconds: UInt64) -> String {
        let hundredths = nanoseconds / 10_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}

/// One thing that is asked for, and what was measured.
struct Verdict {
    var what: String
    /// As the table says it: "≥ 0.97".
    var target: String
    var measured: String
    /// The standard error of what was measured.
    var error = ""
    var range = ""
    /// Nil when it could not be measured.
    var isMet: Bool?

    static func table(_ title: String, _ verdicts: [Verdict]) -> Table {
        var table = Table([
            (title, .left), ("target", .right), ("measured", .right), ("±", .right), ("min–max", .right), ("", .left),
        ])
        for verdict in verdicts {
            let outcome = verdict.isMet.map { $0 ? "met" : "missed" } ?? "not measured"
            table.addRow([verdict.what, verdict.target, verdict.measured, verdict.error, verdict.range, outcome])
        }
        return table
    }
}

extension Verdict {
    /// Of a median.
    static func atLeast(_ bound: Double, _ what: String, _ spread: Spread) -> Verdict {
        Verdict(
            what: what, target: "≥ \(fixed(bound, decimals: 2))", measured: fixed(spread.median, decimals: 3),
            error: fixed(spread.standardError, decimals: 3), range: rangeText(spread), isMet: spread.median >= bound)
    }

    static func atMost(_ bound: Double, decimals: Int, _ what: String, _ value: Double) -> Verdict {
        Verdict(
            what: what, target: "≤ \(fixed(bound, decimals: decimals))", measured: fixed(value, decimals: decimals),
            isMet: value <= bound)
    }
}

/// "0.913–0.982".
func rangeText(_ spread: Spread) -> String {
    "\(fixed(spread.min, decimals: 3))–\(fixed(spread.max, decimals: 3))"
}

import Platform
import Testing

/// One line of the suite's table: what is done to serverfs, how often, and what must come of it.
struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    /// Tries in the short form, and in the full one.
    let times: (short: Int, full: Int)
    /// Seconds after which a try is rescued and counts as hung.
    let hardLimitSeconds: Double
    /// What it needs; nil where that is there.
    let missing: String?
    let body: @Sendable (Trial) throws -> Void

    init(
        _ name: String, times: (short: Int, full: Int) = (1, 3), hardLimitSeconds: Double = 30, missing: String? = nil,
        _ body: @escaping @Sendable (Trial) throws -> Void
    ) {
        self.name = name
        self.times = times
        self.hardLimitSeconds = hardLimitSeconds
        self.missing = missing
        self.body = body
    }

    var testDescription: String { name }

    /// Tries it as often as the form says. Everything that went wrong is in the row.
    func run(_ form: SuiteForm) throws -> Row {
        var row = Row(fault: name)
        guard missing == nil else {
            row.skipped = missing
            return row
        }
        let start = Clock.monotonicNanoseconds
        for number in 1...(form == .full ? times.full : times.short) {
            let trial = try Trial()
            let limit = try HardLimit(seconds: hardLimitSeconds, trial.ledger)
            do {
                try body(trial)
            } catch {
                trial.fail("\(error)")
            }
            trial.conclude()
            if limit.cancel() { trial.hang("not over after \(Int(hardLimitSeconds)) s: rescued") }
            row.add(trial.outcome, try: number)
            row.secondsInAll = Double(Clock.monotonicNanoseconds - start) / 1e9
        }
        return row
    }
}

/// What came of one try.
struct Outcome: Sendable {
    var hangs = 0
    var wrongBytes = 0
    var secondsBack: Double?
    var secondsGone: Double?
    /// Sentences.
    var failures: [String] = []
    /// Something to know that is not a failure.
    var note: String?
}

/// What came of one fault.
struct Row: Sendable {
    let fault: String
    private(set) var times = 0
    private(set) var hangs = 0
    private(set) var wrongBytes = 0
    /// The longest of all tries.
    private(set) var secondsBack: Double?
    private(set) var secondsGone: Double?
    private(set) var failures: [String] = []
    private(set) var notes: [String: Int] = [:]
    /// What all tries took.
    var secondsInAll = 0.0
    /// Why it was not tried.
    var skipped: String?

    init(fault: String) { self.fault = fault }

    mutating func add(_ outcome: Outcome, try number: Int) {
        times += 1
        hangs += outcome.hangs
        wrongBytes += outcome.wrongBytes
        secondsBack = [secondsBack, outcome.secondsBack].compactMap { $0 }.max()
        secondsGone = [secondsGone, outcome.secondsGone].compactMap { $0 }.max()
        failures += outcome.failures.map { "\(fault), try \(number): \($0)" }
        if let note = outcome.note { notes[note, default: 0] += 1 }
    }
}

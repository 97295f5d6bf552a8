/// Why the benchmark could not be finished, in one sentence, and the exit status that says so.
struct BenchFailure: Error {
    /// The exit statuses of sysexits(3) that are used here; a signal gives 128 and its number, as in a shell.
    enum Cause {
        case noInput
        case unavailable
        case runFailed
        case interrupted(signal: Int32)

        var exitStatus: Int32 {
            switch self {
            case .noInput: 66
            case .unavailable: 69
            case .runFailed: 70
            case .interrupted(let signal): 128 + signal
            }
        }
    }

    let cause: Cause
    let message: String

    init(_ cause: Cause, _ message: String) {
        self.cause = cause
        self.message = message
    }
}

import Glibc
import Platform

/// The time since it was made, without what the machine took away (`MachineStalls`): what a bound on serverfs is held against.
/// Any thread.
package struct Stopwatch: Sendable {
    private let start = Clock.monotonicNanoseconds
    private let stalledBefore = MachineStalls.nanoseconds

    /// As long as this no stall is looked for.
    private static let shortNanoseconds: UInt64 = 20_000_000

    package init() {}

    /// Whatever took it.
    package var wallSeconds: Double { Double(Clock.monotonicNanoseconds - start) / 1e9 }

    package var seconds: Double {
        let elapsed = Clock.monotonicNanoseconds - start
        guard elapsed > Self.shortNanoseconds else { return Double(elapsed) / 1e9 }
        // One that has just ended is known when the meter has run.
        usleep(MachineStalls.knownAfterMicroseconds)
        // Several processors may be taken away at one time.
        let stalled = zip(MachineStalls.nanoseconds, stalledBefore).map { $0 - $1 }.max() ?? 0
        return stalled < elapsed ? Double(elapsed - stalled) / 1e9 : 0
    }
}

/// A moment by which something must have happened.
package struct Deadline: Sendable {
    private let stopwatch = Stopwatch()
    private let limit: Double

    package init(seconds: Double) { limit = seconds }

    /// Nothing is waited for for ever: where no thread may have a real-time priority, all work counts as a stall.
    package var hasPassed: Bool {
        let wallSeconds = stopwatch.wallSeconds
        return wallSeconds >= limit && (stopwatch.seconds >= limit || wallSeconds >= 3 * limit + 5)
    }
}

/// Waits until `condition` holds; false when it does not within `seconds`.
package func eventually(seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline(seconds: seconds)
    while try !condition() {
        if deadline.hasPassed { return false }
        usleep(5000)
    }
    return true
}

/// Seconds that `body` takes, without what the machine took away.
package func seconds(_ body: () throws -> Void) rethrows -> Double {
    let stopwatch = Stopwatch()
    try body()
    return stopwatch.seconds
}

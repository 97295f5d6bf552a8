import Platform
import Synchronization

/// What each name has stood for, and when, so that an answer can be judged: whether it was right at the time of the
/// question, and if not, how long it had been wrong. Any thread.
final class History<State: Sendable>: Sendable {
    /// A change takes time: until it is over both states are right.
    struct Interval: Sendable {
        let state: State
        let start: UInt64
        var end: UInt64
    }

    private let names = Mutex<[String: [Interval]]>([:])

    /// What has ended longer ago is forgotten: an answer from then is as wrong as one that never was right.
    private static var keptNanoseconds: UInt64 { 5_000_000_000 }

    /// Says what a name stands for that nobody has asked for yet.
    func begin(_ name: String, _ state: State) {
        let now = Clock.monotonicNanoseconds
        names.withLock { $0[name] = [Interval(state: state, start: now, end: .max)] }
    }

    /// Changes what names stand for.
    ///
    /// - Parameters:
    ///   - passing: what may be seen while `body` is at it, beside what was and what will be.
    ///   - new: what they stand for when it has returned.
    /// - Returns: when it had returned.
    @discardableResult
    func change(
        passing: [String: State] = [:], to new: [String: State], _ body: () throws -> Void
    ) rethrows -> UInt64 {
        let start = Clock.monotonicNanoseconds
        names.withLock { names in
            for (name, state) in Array(passing) + Array(new) {
                names[name, default: []].append(Interval(state: state, start: start, end: .max))
            }
        }
        try body()
        let end = Clock.monotonicNanoseconds
        names.withLock { names in
            for name in new.keys {
                let last = names[name]!.count - 1
                for index in 0..<last where names[name]![index].end == .max { names[name]![index].end = end }
                if end > Self.keptNanoseconds {
                    names[name]!.removeAll { $0.end < end - Self.keptNanoseconds }
                }
            }
        }
        return end
    }

    /// The states of `name` that an answer may tell of, the latest first, each with how long it had been over at the time of the
    /// question: 0 for those that were right at some moment between question and answer.
    func states(_ name: String, asked: UInt64, answered: UInt64) -> [(state: State, staleNanoseconds: UInt64)] {
        names.withLock { names in
            (names[name] ?? []).reversed().filter { $0.start <= answered }.map { interval in
                (interval.state, interval.end >= asked ? 0 : asked - interval.end)
            }
        }
    }

    /// How long an answer had been wrong at the time of the question; nil when it was never right.
    func staleness(
        _ name: String, asked: UInt64, answered: UInt64, where matches: (State) -> Bool
    ) -> UInt64? {
        var least: UInt64?
        for (state, stale) in states(name, asked: asked, answered: answered) where matches(state) {
            least = min(least ?? stale, stale)
            // Most answers are right: there is no need to look at what was before.
            if stale == 0 { break }
        }
        return least
    }
}

internal import Histogram
import Platform
import Synchronization

/// The distribution of one latency, for all threads that record it: an HDR histogram, to two significant digits, from 1 ns to an
/// hour. Any thread; a record takes an uncontended lock where each thread has a histogram of its own.
public final class LatencyHistogram: Sendable {
    /// Not `Guarded`: the check in debug builds that no call is made under it is not worth its cost here, in every request.
    private let state: Mutex<State>

    private struct State {
        var histogram: Histogram<UInt64>
        var sumNanoseconds: UInt64 = 0
    }

    package static let nanosecondsMax: UInt64 = 3_600_000_000_000

    package init() {
        state = Mutex(State(histogram: Self.empty))
    }

    /// The one that all begin with, so that those in which nothing is ever recorded share their memory.
    static let empty = Histogram<UInt64>(
        highestTrackableValue: nanosecondsMax, numberOfSignificantValueDigits: .two)

    /// Records one latency; one above an hour counts as an hour.
    package func record(nanoseconds: UInt64) {
        state.withLock { state in
            state.histogram.record(min(nanoseconds, Self.nanosecondsMax))
            state.sumNanoseconds &+= nanoseconds
        }
    }

    /// Records the same latency `count` times.
    func record(nanoseconds: UInt64, count: UInt64) {
        state.withLock { state in
            state.histogram.record(min(nanoseconds, Self.nanosecondsMax), count: count)
            state.sumNanoseconds &+= nanoseconds &* count
        }
    }

    /// Adds what this one holds to `summary`.
    package func add(to summary: inout LatencySummary) {
        state.withLock { state in summary.add(state.histogram, sumNanoseconds: state.sumNanoseconds) }
    }
}

/// What a latency is told apart by: raw values are 0, 1, 2 … in the order of the cases.
public protocol LatencyKey: RawRepresentable<Int>, CaseIterable, Sendable {}

/// The latencies that one thread records, one histogram for each case of `Key`.
///
/// Public, and its keys too, as `Counters`.
public final class Latencies<Key: LatencyKey>: Sendable {
    @usableFromInline let histograms: [LatencyHistogram]

    package init() { histograms = Key.allCases.map { _ in LatencyHistogram() } }

    @inlinable
    package subscript(_ key: Key) -> LatencyHistogram { histograms[key.rawValue] }
}

/// The latencies of all threads of one kind. Any thread.
package final class LatencyGroup<Key: LatencyKey>: Sendable {
    private struct State {
        /// In use, and those that the next thread may go on with: a histogram keeps what its threads have recorded.
        var members: [Latencies<Key>] = []
        var free: [Latencies<Key>] = []
    }

    private let state = Guarded(State())

    package init() {}

    /// A set for a thread that starts.
    package func makeLatencies() -> Latencies<Key> {
        state.withLock { state in
            let latencies = state.free.popLast() ?? Latencies()
            state.members.append(latencies)
            return latencies
        }
    }

    /// Takes a set back whose thread has ended. What it has recorded stays.
    package func retire(_ latencies: Latencies<Key>) {
        state.withLock { state in
            state.members.removeAll { $0 === latencies }
            state.free.append(latencies)
        }
    }

    /// How many sets there are, those that nobody uses at present included.
    var memberCount: Int { state.withLock { $0.members.count + $0.free.count } }

    /// The latencies of all threads there have been.
    package func summary(_ key: Key) -> LatencySummary {
        let all = state.withLock { $0.members + $0.free }
        var summary = LatencySummary()
        for latencies in all { latencies[key].add(to: &summary) }
        return summary
    }
}

import Synchronization

/// The mark of a thread that makes calls which may wait for long, so that another can take its work over when one does.
///
/// The thread brackets each such call with `begin` and `end`. Any other may look (`waiting`), and when it finds it in the
/// same call again, have a third one take the work over. Both sides learn which of them has it, whatever happens when. (Go's
/// scheduler does the same with a processor whose thread is in a system call.) The thread pays two writes a call.
package final class WaitingCall: Sendable {
    /// Even: it runs. Odd: it is in a call, each time with another number.
    private let state = Atomic<UInt64>(0)
    private static let takenOver = UInt64.max - 1

    package init() {}

    /// The thread is about to make a call that may wait. The thread itself.
    @inline(__always)
    package func begin() {
        // What this thread has done is to be seen by the one that takes over.
        state.store(state.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    }

    /// The call has returned. The thread itself.
    ///
    /// - Returns: whether its work is still its own.
    @inline(__always)
    package func end() -> Bool {
        let call = state.load(ordering: .relaxed)
        guard call != Self.takenOver else { return false }
        return state.compareExchange(
            expected: call, desired: call &+ 1, successOrdering: .relaxed, failureOrdering: .relaxed
        ).exchanged
    }

    /// The number of the call in which it may be waiting; nil when it runs, or has lost its work. Any thread.
    package var waiting: UInt64? {
        let state = state.load(ordering: .relaxed)
        return state & 1 == 1 ? state : nil
    }

    /// Takes its work over, if it is still in the call of that number. The thread that goes on with it.
    package func takeOver(in call: UInt64) -> Bool {
        state.compareExchange(
            expected: call, desired: Self.takenOver, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }
}

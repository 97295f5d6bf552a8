import Synchronization

/// How many of something there may be at a time, in the whole process. Any thread.
final class CountBudget: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    /// - Returns: whether there may be one more: it is counted then, until `giveBack`.
    func reserve() -> Bool {
        // A request that finds none left changes nothing that others look at.
        guard left.load(ordering: .relaxed) > 0 else { return false }
        if left.subtract(1, ordering: .relaxed).newValue >= 0 { return true }
        giveBack()
        return false
    }

    func giveBack() { left.add(1, ordering: .relaxed) }
}

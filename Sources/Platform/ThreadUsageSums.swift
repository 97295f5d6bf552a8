/// What threads have used, added up by their names from what each was seen to have used now and then: so a sum never goes back,
/// whether a thread ends, cannot be read for a while, or takes another name.
struct ThreadUsageSums {
    /// By name.
    private var sums: [String: ThreadUsage] = [:]
    /// What is in the sums of each thread that there may still be.
    private var seen: [Int32: Seen] = [:]
    /// When to look which of them are gone: at twice as many as there were after the last look.
    private var seenMax = Self.seenMin

    private static let seenMin = 256

    private struct Seen {
        let usage: ThreadUsage
        /// Whether it has said that it ends; what it uses for that still counts.
        let isLast: Bool
    }

    /// A thread is seen to have used that much since it began.
    ///
    /// - Parameter isLast: whether it is about to end.
    mutating func note(_ usage: ThreadUsage, isLast: Bool = false) {
        var usage = usage
        var before = ThreadUsage(name: usage.name, threadID: usage.threadID)
        var isLast = isLast
        if let earlier = seen[usage.threadID], usage.mayBe(earlier.usage) {
            let last = earlier.usage
            before = last
            isLast = isLast || earlier.isLast
            // Of a thread that is being put on a processor the kernel may not know it to the nanosecond.
            usage.processorNanoseconds = max(usage.processorNanoseconds, last.processorNanoseconds)
        }
        sums[usage.name, default: ThreadUsage(name: usage.name, threadID: 0)].add(usage, since: before)
        seen[usage.threadID] = Seen(usage: usage, isLast: isLast)
    }

    /// A thread begins: one of the same id that was about to end has ended.
    mutating func begin(_ thread: Int32) { if seen[thread]?.isLast == true { seen[thread] = nil } }

    /// Forgets the threads for which `exists` is false. What they have used stays in the sums.
    mutating func keepThreads(where exists: (Int32) -> Bool) {
        for thread in seen.keys where !exists(thread) { seen[thread] = nil }
        seenMax = max(Self.seenMin, 2 * seen.count)
    }

    /// Whether it knows of so many threads that some of them should be gone.
    var isFull: Bool { seen.count > seenMax }

    /// How many threads it knows of.
    var threadCount: Int { seen.count }

    /// The sums, in the order of their names.
    var byName: [ThreadUsage] {
        var sums = sums
        for (thread, seen) in seen where !seen.isLast { sums[seen.usage.name]?.threadID = thread }
        return sums.values.sorted { $0.name < $1.name }
    }
}

extension ThreadUsage {
    /// Whether this is the same thread, later: one that has been switched less often is another, of the same id.
    fileprivate func mayBe(_ earlier: ThreadUsage) -> Bool {
        voluntarySwitches >= earlier.voluntarySwitches && involuntarySwitches >= earlier.involuntarySwitches
    }

    /// Adds what `usage` has more than `before`.
    fileprivate mutating func add(_ usage: ThreadUsage, since before: ThreadUsage) {
        voluntarySwitches &+= usage.voluntarySwitches &- before.voluntarySwitches
        involuntarySwitches &+= usage.involuntarySwitches &- before.involuntarySwitches
        processorNanoseconds &+= usage.processorNanoseconds &- before.processorNanoseconds
    }
}

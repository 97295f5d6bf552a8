import Platform
import Synchronization

/// A thread that enters the mount, as the FUSE threads see it: a FUSE request names its caller's thread, so each request of the
/// mount can be counted for the HTTP request that caused it.
///
/// The places are never freed, so that no FUSE thread needs a lock or a reference; a place that is used again counts on, and
/// whoever reads takes differences.
package struct FuseCaller: @unchecked Sendable {
    /// Atomic, one cache line: the thread's id, requests, service time, the HTTP request at hand.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    private enum Word {
        static let thread = 0
        static let requests = 1
        static let serviceNanoseconds = 2
        static let request = 3
        static let count = 8
    }

    /// Event loops are at most 64, and each may have lost threads to a file system.
    private static let capacity = 256
    private static let table: CallerTable = CallerTable(wordCount: capacity * Word.count)
    private static let used = Atomic(0)

    private struct CallerTable: @unchecked Sendable {
        let words: UnsafeMutablePointer<Atomic<UInt64>>

        init(wordCount: Int) {
            let bytes = UnsafeMutableRawPointer.allocate(
                byteCount: wordCount * MemoryLayout<Atomic<UInt64>>.stride, alignment: 64)
            words = bytes.bindMemory(to: Atomic<UInt64>.self, capacity: wordCount)
            for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
        }
    }

    // MARK: - The thread itself

    /// Makes the calling thread known, until `leave`.
    ///
    /// - Returns: nil when there are too many: its requests are nobody's then.
    package static func enter() -> FuseCaller? {
        let thread = UInt64(NamedThread.currentID)
        for index in 0..<capacity {
            let words = table.words + index * Word.count
            guard words[Word.thread].compareExchange(expected: 0, desired: thread, ordering: .releasing).exchanged
            else { continue }
            words[Word.request].store(0, ordering: .relaxed)
            used.max(index + 1, ordering: .releasing)
            return FuseCaller(words: words)
        }
        return nil
    }

    package func leave() {
        words[Word.request].store(0, ordering: .relaxed)
        words[Word.thread].store(0, ordering: .releasing)
    }

    /// FUSE requests received of this thread since the place was first used.
    package var requests: UInt64 { words[Word.requests].load(ordering: .relaxed) }

    /// What their service has taken, replies not counted.
    package var serviceNanoseconds: UInt64 { words[Word.serviceNanoseconds].load(ordering: .relaxed) }

    /// The HTTP request at hand, if it is traced, by its number; 0 for none. Set by the thread itself.
    package var request: UInt64 {
        get { words[Word.request].load(ordering: .relaxed) }
        nonmutating set { words[Word.request].store(newValue, ordering: .relaxed) }
    }

    // MARK: - The FUSE threads

    /// The caller of a FUSE request, by `pid` of its header.
    package static func find(threadID: UInt32) -> FuseCaller? {
        guard threadID != 0 else { return nil }
        for index in 0..<used.load(ordering: .acquiring) {
            let words = table.words + index * Word.count
            if words[Word.thread].load(ordering: .relaxed) == UInt64(threadID) { return FuseCaller(words: words) }
        }
        return nil
    }

    /// Counts a request. Before its reply: the caller looks when its call returns.
    package func countRequest() { words[Word.requests].add(1, ordering: .relaxed) }

    /// Adds the time that answering a request has taken, before its reply.
    package func addService(nanoseconds: UInt64) {
        words[Word.serviceNanoseconds].add(nanoseconds, ordering: .relaxed)
    }
}

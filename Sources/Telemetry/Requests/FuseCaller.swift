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

    fileprivate enum Word {
        static let thread = 0
        static let requests = 1
        static let serviceNanoseconds = 2
        static let request = 3
        static let count = 8
    }

    /// One for each of 64 event loops, and three times as many for threads that a file system does not let go. The loops may lose
    /// more to it than that: a thread that finds no place when it starts is nobody as long as it runs. Its FUSE requests count
    /// among all of FUSE, and for no HTTP request. More places would cost whoever looks for a caller: a cache line each.
    private static let places = FuseCallerPlaces(capacity: 256)

    fileprivate init(_ words: UnsafeMutablePointer<Atomic<UInt64>>) { self.words = words }

    // MARK: - The thread itself

    /// Makes the calling thread known, until `leave`.
    ///
    /// - Returns: nil when there are too many: its requests are nobody's then.
    package static func enter() -> FuseCaller? {
        places.enter(threadID: UInt32(bitPattern: NamedThread.currentID))
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

    /// The caller of a FUSE request, by `pid` of its header; nil for whoever is not known.
    package static func find(threadID: UInt32) -> FuseCaller? { places.find(threadID: threadID) }

    /// Counts a request. Before its reply: the caller looks when its call returns.
    package func countRequest() { words[Word.requests].wrappingAdd(1, ordering: .relaxed) }

    /// Adds the time that answering a request has taken, before its reply.
    package func addService(nanoseconds: UInt64) {
        words[Word.serviceNanoseconds].wrappingAdd(nanoseconds, ordering: .relaxed)
    }
}

/// Places for callers. Never freed.
struct FuseCallerPlaces: @unchecked Sendable {
    private let capacity: Int
    /// Atomic, a cache line each: first how many places were ever used, then the places.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init(capacity: Int) {
        self.capacity = capacity
        let wordCount = (1 + capacity) * FuseCaller.Word.count
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: wordCount * MemoryLayout<Atomic<UInt64>>.stride, alignment: 64)
        words = bytes.bindMemory(to: Atomic<UInt64>.self, capacity: wordCount)
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
    }

    private func place(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        words + (1 + index) * FuseCaller.Word.count
    }

    /// Any thread.
    func enter(threadID: UInt32) -> FuseCaller? {
        for index in 0..<capacity {
            let place = place(index)
            guard
                place[FuseCaller.Word.thread]
                    .compareExchange(expected: 0, desired: UInt64(threadID), ordering: .releasing).exchanged
            else { continue }
            place[FuseCaller.Word.request].store(0, ordering: .relaxed)
            words[0].max(UInt64(index + 1), ordering: .releasing)
            return FuseCaller(place)
        }
        return nil
    }

    /// Any thread.
    func find(threadID: UInt32) -> FuseCaller? {
        guard threadID != 0 else { return nil }
        for index in 0..<Int(words[0].load(ordering: .acquiring)) {
            let place = place(index)
            if place[FuseCaller.Word.thread].load(ordering: .relaxed) == UInt64(threadID) { return FuseCaller(place) }
        }
        return nil
    }
}

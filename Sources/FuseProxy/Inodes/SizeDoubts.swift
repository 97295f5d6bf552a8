/// Files that were cut, and of which the kernel may still believe that they are longer, though it was told.
///
/// An answer with attributes is thrown away by the kernel when an invalidation overtakes it: it goes on with the size it had, and
/// takes what a READ beyond the file's end does not fill to be zeros. Whether that has happened nobody but the kernel knows; but
/// it cannot have where no invalidation was sent around the time of the answer. Where it may have, the kernel asks again before
/// most reads; one who reads on without that, though refused once, has shown that it took the answer.
///
/// Times are CLOCK_MONOTONIC nanoseconds. Guarded by the inode table's lock.
struct SizeDoubts {
    private struct Doubt {
        /// The largest size that the kernel may go by.
        var largest: Int64
        /// When the file was last looked at for an answer with its present attributes.
        var seenNanoseconds: UInt64
        /// When its attributes were last invalidated, or, before it was in doubt, anybody's.
        var invalidatedNanoseconds: UInt64
        /// Whether a READ was refused since it was last looked at.
        var hasRefused = false
    }

    /// By the inode's index.
    private var doubts: [UInt32: Doubt] = [:]
    private var lastInvalidationNanoseconds: UInt64 = 0

    /// What an answer may take to get to the kernel, from the moment the kernel sends the question.
    private static let answerNanoseconds: UInt64 = 250_000
    /// How many are kept: beyond that half of them go.
    private static let capacity = 4096

    var isEmpty: Bool { doubts.isEmpty }

    /// An inode's attributes are or are going to be invalidated.
    mutating func noteInvalidation(_ index: UInt32, at now: UInt64) {
        lastInvalidationNanoseconds = now
        if !doubts.isEmpty { doubts[index]?.invalidatedNanoseconds = now }
    }

    /// A look at a file has found it to be of that size, and the kernel is going to be answered so.
    ///
    /// - Parameter former: what the last look has found.
    mutating func noteSeen(_ index: UInt32, size: Int64, former: Int64, at now: UInt64) {
        if var doubt = doubts[index] {
            doubt.largest = max(doubt.largest, former)
            doubt.seenNanoseconds = now
            doubt.hasRefused = false
            doubts[index] = doubt.largest > size ? doubt : nil
        } else if former > size {
            makeRoom()
            doubts[index] = Doubt(
                largest: former, seenNanoseconds: now, invalidatedNanoseconds: lastInvalidationNanoseconds)
        }
    }

    /// A READ has met the end of a file that was longer when it was last looked at.
    mutating func noteEnd(_ index: UInt32, former: Int64) {
        makeRoom()
        // Nobody has been told anything since.
        let former = max(doubts[index]?.largest ?? 0, former)
        doubts[index] = Doubt(
            largest: former, seenNanoseconds: 0, invalidatedNanoseconds: lastInvalidationNanoseconds, hasRefused: true)
    }

    /// The longest in doubt go first: what was cut long ago and never read since.
    private mutating func makeRoom() {
        guard doubts.count >= Self.capacity else { return }
        let times = doubts.values.map(\.seenNanoseconds).sorted()
        let middle = times[times.count / 2]
        doubts = doubts.filter { $0.value.seenNanoseconds > middle }
    }

    mutating func forget(_ index: UInt32) { if !doubts.isEmpty { doubts[index] = nil } }

    /// Whether the kernel may still believe that a file goes on beyond `end`.
    mutating func mayBelieveLonger(_ index: UInt32, than end: Int64) -> Bool {
        guard let doubt = doubts[index], doubt.largest > end else { return false }
        if doubt.hasRefused || doubt.seenNanoseconds > doubt.invalidatedNanoseconds + Self.answerNanoseconds {
            doubts[index] = nil
            return false
        }
        doubts[index]!.hasRefused = true
        return true
    }
}

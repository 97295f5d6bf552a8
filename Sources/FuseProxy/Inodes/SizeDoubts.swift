import Glibc

/// Files that were cut, and of which the kernel may still believe that they are longer, though it was told.
///
/// An answer with attributes is thrown away by the kernel when an invalidation overtakes it: it goes on with the size it had.
/// It learns the new one from a READ that ends early, unless an invalidation, or another such READ, comes between the moment
/// when it sends the READ and the moment when it takes the answer: then it takes the rest to be zeros. So such an answer is
/// kept apart from both.
///
/// - No invalidation begins while it is on its way: the watcher holds it back (`mayTell`).
/// - None has come since the READ was sent, if none is under way: an invalidation waits for the pages that are being read, and
///   returns only after every READ sent before it was answered. While one is under way, a READ fails, once that is seen to wait
///   for pages: readers read pages ahead first, and ask again for what has failed. That READ was sent after it had begun, and
///   is answered (`noteRefused`).
/// - None is given while another is on its way that ends elsewhere, nor soon after one that ended later: it may have been sent
///   before that was taken. A READ ahead that begins beyond the file's end is refused.
/// - None is given while an answer with a larger size may arrive yet: until the kernel is told that this has changed, which makes
///   it ignore the answer, or for some time.
///
/// Until the kernel has taken a READ that ends early the file stays in doubt, which costs nothing where nothing is invalidated.
///
/// Times are CLOCK_MONOTONIC nanoseconds. Guarded by the inode table's lock.
struct SizeDoubts {
    /// A look at a file, of which the kernel was answered.
    struct Look {
        var size: Int64
        var telling: InodeSlots.Telling
        var nanoseconds: UInt64
    }

    private struct Doubt {
        /// The largest size that the kernel may go by.
        var largest: Int64
        /// When the file was last looked at: the order in which doubts are given up.
        var seenNanoseconds: UInt64
        /// When the last look was that found more than the present size, and of which the kernel has not been told that it has
        /// changed; 0 when there is none.
        var largerNanoseconds: UInt64 = 0
        /// Whether it is being told so.
        var isLargerBeingTold = false
        /// How many answers that end early are on their way.
        var answersUnderWay = 0
        /// Where the last of them ended, and when it was given.
        var answeredEnd: Int64 = 0
        var answeredNanoseconds: UInt64 = 0
        /// Since when READs beyond the end are refused; 0 when none was.
        var refusedNanoseconds: UInt64 = 0
        /// The largest size that the kernel can go by once it has taken the answers that were given.
        var settledEnd: Int64?
        /// Until when it may not have taken the last of them.
        var settledNanoseconds: UInt64 = 0
        /// Since when an invalidation is held back; 0 when none is.
        var heldNanoseconds: UInt64 = 0

        func isSettled(at now: UInt64) -> Bool { answersUnderWay == 0 && settledNanoseconds <= now }

        /// What no answer is under way of any more, the kernel has taken.
        mutating func settle(at now: UInt64) {
            guard let end = settledEnd, isSettled(at: now) else { return }
            largest = min(largest, end)
            settledEnd = nil
        }

        /// The kernel may be told of that size, or has been.
        mutating func raise(to size: Int64) {
            largest = max(largest, size)
            settledEnd = settledEnd.map { max($0, size) }
        }

        /// A look has found less than the former one.
        mutating func shrink(from former: Look) {
            guard former.telling != .done else { return }
            // Of an earlier one, the kernel may have to be told yet.
            isLargerBeingTold = former.telling == .underWay && (largerNanoseconds == 0 || isLargerBeingTold)
            largerNanoseconds = former.nanoseconds
        }
    }

    /// READs that were refused while the kernel was told that their file has changed.
    private struct Refusals {
        var index: UInt32 = 0
        /// The number of that time.
        var telling: UInt64 = 0
        var ranges: [Range<Int64>] = []
        /// When the last of them was, if none was asked again and answered since; 0 otherwise.
        var nanoseconds: UInt64 = 0
        /// More than the READs that a reader reads ahead.
        static let rangesMax = 64

        /// Whether a READ was sent after one of these pages was refused: a page is read once at a time.
        func isAskedAgain(_ index: UInt32, _ range: Range<Int64>) -> Bool {
            index == self.index && ranges.contains { $0.overlaps(range) }
        }
    }

    /// By the inode's index.
    private var doubts: [UInt32: Doubt] = [:]
    /// Of which inode the kernel is being told just now.
    private var beingTold: UInt32?
    /// The last ones.
    private var refusals = Refusals()
    /// How often it was told of a change: the number of the last time.
    private(set) var tellings: UInt64 = 0

    /// How long the kernel may take to go on with a READ whose reader waits for it: until a processor is free for him. Only a
    /// READ of one page may be of that kind; others are readahead, which is done with once its reply is written.
    static let settlingNanoseconds: UInt64 = 5_000_000
    /// How long an invalidation is held back at most. For the last of it no READ may end early.
    static let holdNanosecondsMax: UInt64 = 20_000_000
    /// What a READ may wait until it is received.
    private static let queueNanosecondsMax: UInt64 = 5_000_000
    /// What an answer may take until the kernel has taken it.
    static let arrivalNanosecondsMax: UInt64 = 20_000_000
    /// For how long READs beyond the end are refused: nobody is kept from learning that there is nothing.
    private static let refusalNanosecondsMax: UInt64 = 100_000_000
    static let pageBytes = Int(sysconf(CInt(_SC_PAGESIZE)))
    /// How long a READ is kept waiting at most before it is refused.
    static let patienceNanosecondsMax: UInt64 = 25_000_000
    /// The same where it waits for a thread that has something to do: until that has a processor.
    static let toldPatienceNanosecondsMax: UInt64 = 200_000_000
    /// How many are kept: beyond that half of them go.
    private static let capacity = 4096

    var isEmpty: Bool { doubts.isEmpty }

    /// Whether the kernel may be told now that an inode has changed. If so, it is being told until `noteTold`.
    mutating func mayTell(_ index: UInt32, at now: UInt64) -> Bool {
        // Who was refused is just asking again.
        if refusals.index == index, now < refusals.nanoseconds + Self.settlingNanoseconds { return false }
        if !doubts.isEmpty, var doubt = doubts[index] {
            defer { doubts[index] = doubt }
            if !doubt.isSettled(at: now) {
                if doubt.heldNanoseconds == 0 { doubt.heldNanoseconds = now }
                guard now >= doubt.heldNanoseconds + Self.holdNanosecondsMax else { return false }
                // What it overtakes may have been for nothing.
                doubt.settledEnd = doubt.settledEnd.map { _ in .max }
            }
            doubt.heldNanoseconds = 0
            doubt.isLargerBeingTold = doubt.largerNanoseconds != 0
        }
        beingTold = index
        tellings += 1
        return true
    }

    func isBeingTold(_ index: UInt32) -> Bool { beingTold == index }

    mutating func noteTold() {
        if let index = beingTold, !doubts.isEmpty, doubts[index]?.isLargerBeingTold == true {
            doubts[index]!.isLargerBeingTold = false
            doubts[index]!.largerNanoseconds = 0
        }
        beingTold = nil
    }

    /// A look at a file has found it to be of that size, and the kernel is going to be answered so.
    ///
    /// - Parameter former: the last look.
    mutating func noteSeen(_ index: UInt32, size: Int64, former: Look, at now: UInt64) {
        if var doubt = doubts[index] {
            doubt.settle(at: now)
            doubt.raise(to: former.size)
            if former.size > size { doubt.shrink(from: former) }
            doubt.seenNanoseconds = now
            let isOver = doubt.largest <= size && doubt.answersUnderWay == 0
            doubts[index] = isOver ? nil : doubt
        } else if former.size > size {
            makeRoom()
            var doubt = Doubt(largest: former.size, seenNanoseconds: now)
            doubt.shrink(from: former)
            doubts[index] = doubt
        }
    }

    /// A READ has met the end of a file that was longer when it was last looked at.
    mutating func noteEnd(_ index: UInt32, former: Int64, at now: UInt64) {
        if var doubt = doubts[index] {
            doubt.raise(to: former)
            doubt.seenNanoseconds = now
            doubts[index] = doubt
        } else {
            makeRoom()
            doubts[index] = Doubt(largest: former, seenNanoseconds: now)
        }
    }

    /// The longest in doubt go first: what was cut long ago and never read since.
    private mutating func makeRoom() {
        guard doubts.count >= Self.capacity else { return }
        let times = doubts.values.map(\.seenNanoseconds).sorted()
        let middle = times[times.count / 2]
        doubts = doubts.filter { $0.value.seenNanoseconds > middle || $0.value.answersUnderWay > 0 }
    }

    mutating func forget(_ index: UInt32) {
        if !doubts.isEmpty { doubts[index] = nil }
        if refusals.index == index { refusals = Refusals() }
    }

    /// What to do with a READ that has met a file's end. One that is answered `early` is on its way until `noteAnswered`.
    mutating func judge(_ index: UInt32, _ question: ReadQuestion, end: Int64, at now: UInt64) -> ReadEnd {
        let range = question.range
        guard var doubt = doubts[index] else { return .expected }
        defer { doubts[index] = doubt }
        doubt.settle(at: now)
        guard doubt.largest > end else { return .expected }
        let isOvertaken = isOvertaken(index, range)
        if isBeingTold(index), !isOvertaken { return .beingTold(tellings) }
        // What is overtaken as well is such an answer.
        let mayArrive = question.mayBeOvertaken(byAnswerOf: doubt.largerNanoseconds)
        if mayArrive, !(isOvertaken && doubt.isLargerBeingTold) { return .refused }
        if end != doubt.answeredEnd {
            let aloneSince = doubt.answeredNanoseconds + Self.queueNanosecondsMax
            let isAlone = end > doubt.answeredEnd || question.receivedNanoseconds >= aloneSince
            guard doubt.isSettled(at: now), isAlone else { return .refused }
        }
        if question.isBeyond, !isOvertaken {
            if doubt.refusedNanoseconds == 0 { doubt.refusedNanoseconds = now }
            guard now >= doubt.refusedNanoseconds + Self.refusalNanosecondsMax else { return .refused }
        }
        let isHeld = doubt.heldNanoseconds != 0
        if isHeld, now + Self.settlingNanoseconds > doubt.heldNanoseconds + Self.holdNanosecondsMax { return .refused }
        doubt.answersUnderWay += 1
        if refusals.isAskedAgain(index, range) { refusals.nanoseconds = 0 }
        doubt.answeredEnd = end
        doubt.refusedNanoseconds = 0
        doubt.settledEnd = max(doubt.settledEnd ?? 0, end)
        return .early
    }

    /// Whether the kernel is being told that an inode has changed, but this READ was sent after that had begun.
    func isOvertaken(_ index: UInt32, _ range: Range<Int64>) -> Bool {
        isBeingTold(index) && refusals.telling == tellings && refusals.isAskedAgain(index, range)
    }

    /// Whether a reader waits for that READ: it may be one page's, or was refused before.
    func isReaders(_ index: UInt32, _ range: Range<Int64>) -> Bool {
        range.count <= Self.pageBytes || refusals.isAskedAgain(index, range)
    }

    /// A READ is going to be refused because the kernel is being told of a change, and that waits for pages by now.
    mutating func noteRefused(_ index: UInt32, _ range: Range<Int64>, at now: UInt64) {
        if refusals.telling != tellings { refusals = Refusals(index: index, telling: tellings) }
        if refusals.ranges.count < Refusals.rangesMax { refusals.ranges.append(range) }
        refusals.nanoseconds = now
    }

    /// A READ that was to end early is answered.
    mutating func noteAnswered(_ index: UInt32, _ answer: EarlyAnswer, at now: UInt64) {
        guard var doubt = doubts[index], doubt.answersUnderWay > 0 else { return }
        doubt.answersUnderWay -= 1
        doubt.answeredNanoseconds = now
        doubt.settledEnd = doubt.settledEnd.map { max($0, answer.end) }
        if answer.isReaders { doubt.settledNanoseconds = now + Self.settlingNanoseconds }
        doubts[index] = doubt
    }
}

/// A READ that has met a file's end.
struct ReadQuestion {
    /// What was asked for.
    var range: Range<Int64>
    /// When its work began. However long that takes, what the kernel takes since then is later than the READ.
    var receivedNanoseconds: UInt64
    /// Whether the file ends before the READ begins, and it is one that is ahead of its reader.
    var isBeyond: Bool

    /// Whether the kernel may have taken, or may yet take, an answer after it sent this READ: one that was given at that time.
    func mayBeOvertaken(byAnswerOf nanoseconds: UInt64) -> Bool {
        nanoseconds != 0 && receivedNanoseconds < nanoseconds + SizeDoubts.arrivalNanosecondsMax
    }
}

/// What becomes of a READ that has met a file's end.
enum ReadEnd: Equatable {
    /// The kernel expects it there.
    case expected
    /// It may expect it later, and learns of it by this answer.
    case early
    /// It may expect it later, and may not learn of it by this answer.
    case refused
    /// The same for this answer, but not for the next.
    case refusedOnce
    /// The same as `refused`, because it is just being told of a change, for the time of that number.
    case beingTold(UInt64)
}

/// A READ that is answered up to `end`, where the kernel may expect more.
struct EarlyAnswer {
    var inode: InodeNumber
    var end: Int64
    /// Whether a reader waits for it.
    var isReaders: Bool
}

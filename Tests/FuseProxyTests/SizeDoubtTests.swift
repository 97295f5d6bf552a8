import Testing

@testable import FuseProxy

@Suite struct SizeDoubtTests {
    private static let range = 0..<Int64(SizeDoubts.pageBytes)
    private static let millisecond: UInt64 = 1_000_000
    private var doubts = SizeDoubts()

    @Test mutating func aFileThatWasNeverCutIsNotInDoubt() {
        see(2, 10, former: 5, at: 100)
        #expect(doubts.isEmpty)
        expect(.expected, of: 2, end: 5, at: 101)
    }

    @Test mutating func onlyWhatEndsBeforeTheLargestSizeIsEarly() {
        see(2, 5, former: 10, at: 100)
        expect(.expected, of: 2, end: 10, at: 101)
        expect(.expected, of: 3, end: 5, at: 101)
        expect(.early, of: 2, end: 9, at: 101)
    }

    @Test mutating func aReadAheadThatIsAnsweredSettlesIt() {
        see(2, 5, former: 10, at: 100)
        expect(.early, of: 2, end: 5, at: 101)
        answer(2, end: 5, pages: 2, at: 102)
        expect(.expected, of: 2, end: 5, at: 103)
        see(2, 5, former: 5, at: 104)
        #expect(doubts.isEmpty)
    }

    /// The kernel takes an answer of one page only when its reader runs again.
    @Test mutating func aReadOfOnePageSettlesItLater() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        answer(2, end: 5, pages: 1, at: 2)
        expect(.early, of: 2, end: 5, at: 3)
        answer(2, end: 5, pages: 1, at: 4)
        expect(.expected, of: 2, end: 5, at: 4 + SizeDoubts.settlingNanoseconds)
    }

    @Test mutating func aReadThatFailsSettlesNothing() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        answer(2, end: .max, pages: 2, at: 2)
        expect(.early, of: 2, end: 5, at: 3)
    }

    @Test mutating func noReadEndsEarlyWhileTheKernelIsTold() {
        see(2, 5, former: 10, at: 0)
        expectTelling(2, true, at: 1)
        expect(.beingTold(1), of: 2, end: 5, at: 2)
        doubts.noteTold()
        expectTelling(3, true, at: 3)
        expect(.early, of: 2, end: 5, at: 4)
    }

    @Test mutating func theKernelIsNotToldWhileAReadEndsEarly() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        expectTelling(2, false, at: 2)
        expectTelling(3, true, at: 2)
        doubts.noteTold()
        answer(2, end: 5, pages: 2, at: 3)
        expectTelling(2, true, at: 3)
    }

    @Test mutating func theKernelIsToldOnceAReadOfOnePageHasCertainlyBeenTaken() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        answer(2, end: 5, pages: 1, at: 2)
        expectTelling(2, false, at: 3)
        expectTelling(2, true, at: 2 + SizeDoubts.settlingNanoseconds)
    }

    /// A file that is read all the while: its invalidation is sent in time, and what it might overtake is refused before.
    @Test mutating func anInvalidationIsNotHeldBackForLong() {
        see(2, 5, former: 10, at: 0)
        var now: UInt64 = 0
        var refusals = 0
        var isTold = false
        while !isTold {
            now += Self.millisecond
            switch doubts.judge(
                2, ReadQuestion(range: Self.range, receivedNanoseconds: now, isBeyond: false), end: 5, at: now)
            {
            case .early: answer(2, end: 5, pages: 1, at: now)
            case .refused, .refusedOnce, .beingTold: refusals += 1
            // The kernel has taken the last of them.
            case .expected: break
            }
            isTold = doubts.mayTell(2, at: now)
        }
        #expect(refusals > 0)
        #expect(now <= SizeDoubts.holdNanosecondsMax + Self.millisecond)
    }

    /// An answer that hangs is overtaken in the end, and then counts for nothing.
    @Test mutating func anAnswerThatHangsHoldsNothingBackForLong() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        expectTelling(2, false, at: 2)
        expectTelling(2, true, at: 2 + SizeDoubts.holdNanosecondsMax)
        doubts.noteTold()
        answer(2, end: 5, pages: 2, at: 3 + SizeDoubts.holdNanosecondsMax)
        expect(.early, of: 2, end: 5, at: 4 + SizeDoubts.holdNanosecondsMax)
    }

    /// The kernel goes by the one that it takes first.
    @Test mutating func readsThatEndElsewhereAreNotAnsweredTogether() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 7, at: 1)
        expect(.refused, of: 2, end: 5, at: 2)
        expect(.refused, of: 2, end: 8, at: 2)
        expect(.early, of: 2, end: 7, at: 2)
        answer(2, end: 7, pages: 2, at: 3)
        answer(2, end: 7, pages: 2, at: 3)
        // It may have been sent before the other was answered.
        expect(.refused, of: 2, end: 5, at: 4)
        expect(.early, of: 2, end: 5, at: 100 * Self.millisecond)
    }

    @Test mutating func aReadBeyondTheEndIsRefusedForAWhile() {
        see(2, 5, former: 10, at: 0)
        expect(.refused, of: 2, end: 8, isBeyond: true, at: 1)
        expect(.refused, of: 2, end: 8, isBeyond: true, at: 2)
        expect(.early, of: 2, end: 8, isBeyond: true, at: 1 + 100 * Self.millisecond)
    }

    @Test mutating func anEndThatNobodyHasSeenBeforeIsInDoubt() {
        doubts.noteEnd(2, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
    }

    @Test mutating func aFileThatGrowsMeanwhileIsInDoubtUpToItsNewSize() {
        see(2, 5, former: 10, at: 0)
        expect(.early, of: 2, end: 5, at: 1)
        see(2, 8, former: 5, at: 2)
        see(2, 6, former: 8, at: 3)
        answer(2, end: 5, pages: 2, at: 4)
        expect(.early, of: 2, end: 6, at: 100 * Self.millisecond)
    }

    @Test mutating func aFileThatGrowsBeyondItsFormerSizeIsNotInDoubt() {
        see(2, 5, former: 10, at: 0)
        see(2, 11, former: 5, at: 1)
        #expect(doubts.isEmpty)
    }

    @Test mutating func aNumberThatIsUsedAgainStartsAnew() {
        see(2, 5, former: 10, at: 0)
        doubts.forget(2)
        #expect(doubts.isEmpty)
    }

    @Test mutating func thereAreNeverMoreThanSome() {
        for index in 1...10_000 { see(UInt32(index), 5, former: 10, at: UInt64(index)) }
        expect(.expected, of: 1, end: 5, at: 10_001)
        expect(.early, of: 10_000, end: 5, at: 10_001)
    }

    @Test mutating func anAnswerWithALargerSizeMayArriveUntilTheKernelIsTold() {
        see(2, 5, former: 10, .awaited, at: 0)
        expect(.refused, of: 2, end: 5, at: 2)
        expectTelling(2, true, at: 3)
        doubts.noteTold()
        expect(.early, of: 2, end: 5, at: 4)
    }

    /// What has been answered since the kernel began to be told is not made void by that.
    @Test mutating func anAnswerThatWasGivenWhileTheKernelWasToldMayArriveAfterwards() {
        see(2, 8, former: 10, .done, at: 0)
        expectTelling(2, true, at: 1)
        see(2, 5, former: 8, .awaited, at: 2)
        doubts.noteTold()
        expect(.refused, of: 2, end: 5, at: 3)
        expect(.early, of: 2, end: 5, at: 2 + SizeDoubts.arrivalNanosecondsMax)
    }

    /// The telling waits for the pages of the READ that is refused; that which is then asked for was sent later.
    @Test mutating func whatIsAskedAgainIsAnsweredWhileTheKernelIsTold() {
        see(2, 5, former: 10, at: 0)
        expectTelling(2, true, at: 1)
        expect(.beingTold(1), of: 2, end: 5, at: 2)
        doubts.noteRefused(2, 0..<8192, at: 2)
        doubts.noteRefused(2, 8192..<16384, at: 2)
        expect(.beingTold(1), of: 2, end: 5, range: 16384..<20480, at: 3)
        #expect(doubts.isReaders(2, 0..<8192) && !doubts.isReaders(2, 16384..<24576))
        expect(.early, of: 2, end: 5, range: 4096..<8192, at: 3)
        answer(2, end: 5, pages: 2, at: 4)
        doubts.noteTold()
    }

    @Test mutating func beforeItIsAskedAgainTheKernelIsToldOfNothingElse() {
        see(2, 5, former: 10, at: 0)
        expectTelling(2, true, at: 1)
        doubts.noteRefused(2, Self.range, at: 2)
        doubts.noteTold()
        expectTelling(2, false, at: 3)
        expectTelling(3, true, at: 3)
        doubts.noteTold()
        // A reader who does not come.
        expectTelling(2, true, at: 2 + SizeDoubts.settlingNanoseconds)
        // It is another time.
        expect(.beingTold(3), of: 2, end: 5, at: 3 + SizeDoubts.settlingNanoseconds)
    }

    /// However long it has waited, it was sent before.
    @Test mutating func aReadIsNotAnsweredEarlyAfterAnAnswerThatIsLaterThanIt() {
        see(2, 5, former: 10, .awaited, at: 0)
        let question = ReadQuestion(range: Self.range, receivedNanoseconds: 2, isBeyond: false)
        #expect(doubts.judge(2, question, end: 5, at: 2) == .refused)
        #expect(doubts.judge(2, question, end: 5, at: 10 * SizeDoubts.arrivalNanosecondsMax) == .refused)
    }

    /// A look that finds a file to be of that size, whose former size the kernel was told at the time 1.
    private mutating func see(
        _ index: UInt32, _ size: Int64, former: Int64, _ telling: InodeSlots.Telling = .done, at now: UInt64
    ) {
        let former = SizeDoubts.Look(size: former, telling: telling, nanoseconds: 1)
        doubts.noteSeen(index, size: size, former: former, at: now)
    }

    private mutating func answer(_ index: UInt32, end: Int64, pages: Int, at now: UInt64) {
        let answer = EarlyAnswer(inode: InodeNumber(index: index, generation: 0), end: end, isReaders: pages == 1)
        doubts.noteAnswered(index, answer, at: now)
    }

    private mutating func expectTelling(
        _ index: UInt32, _ expected: Bool, at now: UInt64, _ location: SourceLocation = #_sourceLocation
    ) {
        let mayTell = doubts.mayTell(index, at: now)
        #expect(mayTell == expected, sourceLocation: location)
    }

    private mutating func expect(
        _ expected: ReadEnd, of index: UInt32, end: Int64, range: Range<Int64> = range, isBeyond: Bool = false,
        at now: UInt64,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let judged = doubts.judge(
            index, ReadQuestion(range: range, receivedNanoseconds: now, isBeyond: isBeyond), end: end, at: now)
        #expect(judged == expected, sourceLocation: location)
    }
}

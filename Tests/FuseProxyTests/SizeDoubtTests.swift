import Testing

@testable import FuseProxy

@Suite struct SizeDoubtTests {
    private static let microsecond: UInt64 = 1000
    private var doubts = SizeDoubts()

    @Test mutating func aFileThatWasNeverCutIsNotInDoubt() {
        doubts.noteSeen(2, size: 10, former: 5, at: 100)
        #expect(doubts.isEmpty)
        expectDoubt(false, of: 2, beyond: 10)
    }

    @Test mutating func anAnswerThatNothingCanHaveOvertakenSettlesIt() {
        doubts.noteInvalidation(2, at: 1000 * Self.microsecond)
        doubts.noteSeen(2, size: 5, former: 10, at: 1600 * Self.microsecond)
        expectDoubt(false, of: 2, beyond: 5)
        #expect(doubts.isEmpty)
    }

    @Test(arguments: [800, 1200] as [UInt64])
    mutating func anInvalidationAroundTheAnswerLeavesTheDoubt(_ invalidated: UInt64) {
        if invalidated < 1000 { doubts.noteInvalidation(2, at: invalidated * Self.microsecond) }
        doubts.noteSeen(2, size: 5, former: 10, at: 1000 * Self.microsecond)
        if invalidated > 1000 { doubts.noteInvalidation(2, at: invalidated * Self.microsecond) }
        // A READ that ends where the larger size does, or another file's.
        expectDoubt(false, of: 2, beyond: 10)
        expectDoubt(false, of: 3, beyond: 5)
        expectDoubt(true, of: 2, beyond: 9)
        // The next answer is alone.
        doubts.noteSeen(2, size: 5, former: 5, at: 1600 * Self.microsecond)
        expectDoubt(false, of: 2, beyond: 5)
    }

    @Test mutating func whoReadsOnWithoutAnotherLookIsRefusedOnce() {
        doubts.noteSeen(2, size: 5, former: 10, at: 100)
        expectDoubt(true, of: 2, beyond: 5)
        expectDoubt(false, of: 2, beyond: 5)
    }

    @Test mutating func everyAnswerThatMayBeLostIsDoubted() {
        for now in 1...3 as ClosedRange<UInt64> {
            doubts.noteInvalidation(2, at: now * 1000 * Self.microsecond)
            doubts.noteSeen(2, size: 5, former: now == 1 ? 10 : 5, at: now * 1000 * Self.microsecond)
            expectDoubt(true, of: 2, beyond: 5)
        }
    }

    @Test mutating func anotherFilesInvalidationsDoNotProlongIt() {
        doubts.noteInvalidation(2, at: 1000 * Self.microsecond)
        doubts.noteSeen(2, size: 5, former: 10, at: 1000 * Self.microsecond)
        doubts.noteInvalidation(3, at: 2000 * Self.microsecond)
        doubts.noteSeen(2, size: 5, former: 5, at: 2000 * Self.microsecond)
        expectDoubt(false, of: 2, beyond: 5)
    }

    @Test mutating func anEndThatNobodyHasBeenToldOfIsInDoubtFromTheNextAnswerOn() {
        doubts.noteInvalidation(2, at: 1000 * Self.microsecond)
        doubts.noteEnd(2, former: 10)
        doubts.noteSeen(2, size: 5, former: 5, at: 1000 * Self.microsecond)
        expectDoubt(true, of: 2, beyond: 5)
    }

    @Test mutating func aFileThatGrowsBeyondItsFormerSizeIsNotInDoubt() {
        doubts.noteSeen(2, size: 5, former: 10, at: 0)
        doubts.noteSeen(2, size: 11, former: 5, at: 1)
        #expect(doubts.isEmpty)
    }

    @Test mutating func aNumberThatIsUsedAgainStartsAnew() {
        doubts.noteSeen(2, size: 5, former: 10, at: 0)
        doubts.forget(2)
        #expect(doubts.isEmpty)
    }

    @Test mutating func thereAreNeverMoreThanSome() {
        for index in 1...10_000 { doubts.noteSeen(UInt32(index), size: 5, former: 10, at: UInt64(index)) }
        expectDoubt(false, of: 1, beyond: 5)
        expectDoubt(true, of: 10_000, beyond: 5)
    }

    private mutating func expectDoubt(
        _ expected: Bool, of index: UInt32, beyond end: Int64, _ location: SourceLocation = #_sourceLocation
    ) {
        let isInDoubt = doubts.mayBelieveLonger(index, than: end)
        #expect(isInDoubt == expected, sourceLocation: location)
    }
}

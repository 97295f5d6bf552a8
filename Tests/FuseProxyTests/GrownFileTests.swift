import Testing

@testable import FuseProxy

@Suite struct GrownFileTests {
    private var files = GrownFiles()

    @Test mutating func whatDoesNotGrowIsAnsweredAsItIs() {
        expect(10, of: 2, size: 10, former: -1)
        expect(10, of: 2, size: 10, former: 10)
        expect(5, of: 2, size: 5, former: 10)
        #expect(files.isEmpty)
    }

    @Test mutating func theFormerEndIsAnsweredUntilTheKernelIsTold() {
        expect(10, of: 2, size: 20, former: 10)
        expect(10, of: 2, size: 25, former: 10)
        files.noteTelling(2)
        expect(10, of: 2, size: 25, former: 10)
        files.noteTold(2)
        expect(25, of: 2, size: 25, former: 10)
        #expect(files.isEmpty)
    }

    /// A telling that had begun before may have passed the page by.
    @Test mutating func aTellingThatHadBegunBeforeIsNotEnough() {
        files.noteTelling(2)
        expect(10, of: 2, size: 20, former: 10)
        files.noteTold(2)
        expect(10, of: 2, size: 20, former: 10)
    }

    /// What is read since may end in zeros again, further on.
    @Test mutating func anEndThatIsMetSinceIsAnsweredInstead() {
        expect(10, of: 2, size: 20, former: 10)
        files.noteTelling(2)
        files.noteEnd(2, end: 15)
        files.noteTold(2)
        files.noteEnd(2, end: 18)
        expect(15, of: 2, size: 20, former: 10)
        files.noteTelling(2)
        files.noteTold(2)
        expect(20, of: 2, size: 20, former: 15)
    }

    @Test mutating func aFileThatIsCutMeanwhileIsAnsweredAsItIs() {
        expect(10, of: 2, size: 20, former: 10)
        expect(7, of: 2, size: 7, former: 10)
        #expect(files.isEmpty)
    }

    @Test mutating func eachFileIsToldOfByItself() {
        expect(10, of: 2, size: 20, former: 10)
        files.noteTelling(3)
        files.noteTold(3)
        expect(10, of: 2, size: 20, former: 10)
        files.forget(2)
        #expect(files.isEmpty)
    }

    @Test mutating func theyAreNoMoreThanABoundedNumber() {
        for index in 2..<UInt32(20_000) { _ = files.answer(index, size: 20, former: 10) }
        #expect(files.count <= GrownFiles.capacity)
        expect(10, of: 30_000, size: 20, former: 10)
    }

    private mutating func expect(
        _ expected: Int64, of index: UInt32, size: Int64, former: Int64, _ location: SourceLocation = #_sourceLocation
    ) {
        let answer = files.answer(index, size: size, former: former)
        #expect(answer == expected, sourceLocation: location)
    }
}

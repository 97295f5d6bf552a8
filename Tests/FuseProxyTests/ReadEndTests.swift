import Glibc
import Platform
import Testing

@testable import FuseProxy

/// What becomes of READs that meet a file's end, by what the kernel has been answered and told of it.
@Suite struct ReadEndTests {
    private let table = InodeTable(root: InodeIdentity(file: FileIdentity(device: 1, inode: 1)))
    private let inode: InodeNumber

    init() throws {
        var gone: [InodeNumber] = []
        inode = try table.lookup(
            InodeIdentity(file: FileIdentity(device: 1, inode: 10)), parent: .root, name: try #require(.init("file")),
            gone: &gone)
    }

    /// A look at the file.
    ///
    /// - Returns: the size that the kernel may be answered.
    @discardableResult
    private func see(_ size: Int64, isTold: Bool = true, looked: UInt64? = nil) -> Int64 {
        var version = ContentVersion()
        version.size = size
        return table.noteSeen(version, of: inode, isTold: isTold, looked: looked ?? table.moment).answer.size
    }

    private func read(_ end: Int64) -> ReadEnd {
        table.judge(
            ReadQuestion(range: 0..<4096, receivedNanoseconds: Clock.monotonicNanoseconds, isBeyond: false), end: end,
            of: inode)
    }

    /// A READ soon after a look is refused. This thread may be late.
    private func expectRefusal() {
        #expect(
            eventually {
                see(10)
                let end = read(5)
                // It is on its way until then, and the next one would wait for it.
                if end == .early { answer(5) }
                return end == .refused
            })
    }

    /// READs ahead: taken as soon as they are answered.
    private func answer(_ end: Int64) {
        table.noteAnswered(EarlyAnswer(inode: inode, end: end, isReaders: false))
    }

    private func tell() {
        #expect(table.mayTell(inode))
        table.noteTold(inode)
    }

    @Test func theEndThatWasAnsweredIsExpected() {
        see(10)
        #expect(read(10) == .expected)
        #expect(read(12) == .expected)
    }

    /// The answer with the larger size may not have arrived, until the kernel is told that it has changed.
    @Test func anEndIsEarlyOnceTheKernelIsTold() {
        expectRefusal()
        #expect(table.mayTell(inode))
        #expect(read(5) != .early)
        table.noteTold(inode)
        #expect(read(5) == .early)
        // While that is answered it is told of nothing.
        #expect(!table.mayTell(inode))
        answer(5)
        #expect(read(5) == .expected)
        #expect(table.mayTell(inode))
    }

    @Test func orOnceItsAnswerHasCertainlyArrived() {
        see(10)
        #expect(eventually { read(5) == .early })
        answer(5)
        #expect(read(5) == .expected)
    }

    /// The answer to a look is thrown away when the kernel is told meanwhile.
    @Test func aLookThatTheTellingOvertakesIsNoneThatMayArrive() {
        let looked = table.moment
        see(20)
        tell()
        see(10, looked: looked)
        #expect(read(5) == .early)
    }

    @Test func aLookAfterTheTellingMayArrive() {
        see(20)
        tell()
        expectRefusal()
    }

    @Test func whereNobodyTellsAReadIsRefusedOnce() {
        see(10, isTold: false)
        #expect(read(5) == .refusedOnce)
        #expect(read(5) == .early)
        answer(5)
        #expect(read(5) == .expected)
    }

    @Test func anAnswerThatFailsTeachesNothing() {
        see(10)
        tell()
        #expect(read(5) == .early)
        answer(.max)
        #expect(read(5) == .early)
    }

    /// Its number is another's then.
    @Test func aForgottenInodeIsInNoDoubt() throws {
        see(10)
        tell()
        #expect(read(5) == .early)
        table.forget(inode, lookups: 1)
        answer(5)
        #expect(read(5) == .expected)
        #expect(table.mayTell(inode))
    }

    /// The kernel may keep the page with the former end, until it is told.
    @Test func aFileThatHasGrownHasItsFormerEndUntilTheKernelIsTold() {
        see(10)
        #expect(read(10) == .expected)
        #expect(see(20) == 10)
        tell()
        #expect(see(20) == 20)
    }

    @Test func oneOfWhichNoEndWasReadSinceIsAnsweredAsItIs() {
        see(10)
        #expect(read(10) == .expected)
        tell()
        #expect(see(20) == 20)
        #expect(see(30) == 30)
    }

    /// Bytes that are zeros are bytes of the file like others, and so is a hole.
    @Test func aFileThatEndsInZerosIsReadToItsEnd() throws {
        let folder = try ScratchFolder()
        folder.write("text\0\0", to: "/file")
        truncate(folder.path + "/file", 10_000)
        let file = try Files.open(folder.path + "/file", flags: O_RDONLY)
        var room = [UInt8](repeating: 1, count: 20_000)
        let counts = try room.withUnsafeMutableBytes { room in
            [
                try CopyReader.read(file.rawValue, into: room, at: 0),
                try CopyReader.read(file.rawValue, into: .init(rebasing: room[10_000..<10_003]), at: 4),
                try CopyReader.read(file.rawValue, into: .init(rebasing: room[11_000...]), at: 9_999),
                try CopyReader.read(file.rawValue, into: .init(rebasing: room[12_000...]), at: 10_000),
            ]
        }
        #expect(counts == [10_000, 3, 1, 0])
        #expect(room.starts(with: "text".utf8))
        #expect(room[4..<10_000].allSatisfy { $0 == 0 })
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<200 {
            if condition() { return true }
            usleep(1000)
        }
        return false
    }
}

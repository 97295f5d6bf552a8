import Platform
import Testing

@testable import FuseProxy

@Suite struct InodeTableTests {
    private let table = InodeTable(root: InodeIdentity(file: FileIdentity(device: 1, inode: 2)))

    private func lookup(_ identity: InodeIdentity, parent: InodeNumber, name: ComponentName) throws -> InodeNumber {
        var gone: [InodeNumber] = []
        return try table.lookup(identity, parent: parent, name: name, gone: &gone)
    }

    private func identity(_ inode: UInt64) -> InodeIdentity {
        InodeIdentity(file: FileIdentity(device: 1, inode: inode))
    }

    @Test func twoNamesOfOneFileAreOneInodeAndTheLastNameIsKept() throws {
        let first = try lookup(identity(10), parent: .root, name: name("a"))
        let second = try lookup(identity(10), parent: .root, name: name("b"))
        #expect(first == second)
        #expect(table.count == 2)
        #expect(text(try table.location(of: first).name) == "b")
        #expect(table.forget(first, lookups: 1).isEmpty)
        #expect(table.forget(first, lookups: 1) == [first])
        #expect(table.count == 1)
    }

    @Test func anIndexUsedAgainHasAnotherGenerationAndTheOldNumberIsStale() throws {
        let old = try lookup(identity(10), parent: .root, name: name("a"))
        table.forget(old, lookups: 1)
        let new = try lookup(identity(11), parent: .root, name: name("a"))
        #expect(new.index == old.index)
        #expect(new.generation != old.generation)
        #expect(throws: Errno.staleNFSFileHandle) { try table.location(of: old) }
        #expect(try table.identity(of: new) == identity(11))
        #expect(table.forget(old, lookups: 1).isEmpty)
        #expect(table.count == 2)
    }

    @Test func aNumberThatTheFileSystemGivesAgainIsAnotherInode() throws {
        let old = try lookup(identity(10), parent: .root, name: name("a"))
        var reborn = identity(10)
        reborn.birthNanoseconds = 1
        let new = try lookup(reborn, parent: .root, name: name("a"))
        #expect(new != old)
        #expect(table.count == 3)
    }

    @Test func numbersThatWereNeverGivenAreStale() {
        for number: UInt64 in [0, 2, 99, 1 << 40, .max] {
            #expect(throws: Errno.staleNFSFileHandle) { try table.identity(of: InodeNumber(rawValue: number)) }
        }
    }

    @Test func theRootIsNeverForgotten() throws {
        #expect(table.forget(.root, lookups: .max).isEmpty)
        #expect(try table.identity(of: .root) == identity(2))
    }

    @Test func aForgottenFolderStaysWhileAChildNamesIt() throws {
        let folder = try lookup(identity(10), parent: .root, name: name("folder"))
        let child = try lookup(identity(11), parent: folder, name: name("child"))
        #expect(table.forget(folder, lookups: 1).isEmpty)
        #expect(try table.location(of: child).parent == folder)
        #expect(Set(table.forget(child, lookups: 1)) == [folder, child])
        #expect(table.count == 1)
    }

    @Test func aMoveLetsGoOfTheFormerFolder() throws {
        let first = try lookup(identity(10), parent: .root, name: name("first"))
        let second = try lookup(identity(11), parent: .root, name: name("second"))
        let child = try lookup(identity(12), parent: first, name: name("child"))
        table.forget(first, lookups: 1)
        #expect(try lookup(identity(12), parent: second, name: name("moved")) == child)
        #expect(table.count == 3)
        #expect(try table.location(of: child).parent == second)
    }

    @Test func aFolderFoundBelowItsOwnChildIsStaleAndMakesNoCycle() throws {
        let outer = try lookup(identity(10), parent: .root, name: name("outer"))
        let inner = try lookup(identity(11), parent: outer, name: name("inner"))
        #expect(throws: Errno.staleNFSFileHandle) {
            try lookup(identity(10), parent: inner, name: name("outer"))
        }
        // Once the inner folder has been seen in its new place, the outer one may be below it.
        _ = try lookup(identity(11), parent: .root, name: name("inner"))
        _ = try lookup(identity(10), parent: inner, name: name("outer"))
        table.forget(outer, lookups: 2)
        table.forget(inner, lookups: 2)
        #expect(table.count == 1)
    }

    @Test func contentIsTheSameOnlyWhenNothingHasChangedSinceTheLastNote() throws {
        let inode = try lookup(identity(10), parent: .root, name: name("a"))
        var version = ContentVersion()
        version.size = 5
        #expect(!table.noteContent(version, of: inode))
        #expect(table.noteContent(version, of: inode))
        version.changedNanoseconds = 1
        #expect(!table.noteContent(version, of: inode))
        #expect(table.noteContent(version, of: inode))
        // A change of this second may hide another one behind the same time stamp.
        version.changedNanoseconds = Clock.unixSeconds * 1_000_000_000
        #expect(!table.noteContent(version, of: inode))
        #expect(!table.noteContent(version, of: inode))
    }

    @Test func whatIsSeenDiffersOnlyFromWhatWasSeenBefore() throws {
        let inode = try lookup(identity(10), parent: .root, name: name("a"))
        var version = ContentVersion()
        version.size = 5
        #expect(!table.noteSeen(version, of: inode, isTold: true, looked: 0).isChanged)
        #expect(!table.noteSeen(version, of: inode, isTold: true, looked: 0).isChanged)
        version.changedNanoseconds = 1
        #expect(table.noteSeen(version, of: inode, isTold: true, looked: 0).isChanged)
        #expect(!table.noteSeen(version, of: inode, isTold: true, looked: 0).isChanged)
    }

    @Test func aMoveTellsOfTheFolderThatItWasTheLastUseOf() throws {
        let former = try lookup(identity(10), parent: .root, name: name("former"))
        _ = try lookup(identity(11), parent: former, name: name("child"))
        table.forget(former, lookups: 1)
        var gone: [InodeNumber] = []
        _ = try table.lookup(identity(11), parent: .root, name: name("child"), gone: &gone)
        #expect(gone == [former])
    }

    @Test func manyInodesAreFoundAgainAndAllForgotten() throws {
        let count: UInt64 = 200_000
        var numbers: [InodeNumber] = []
        for inode in 100..<(100 + count) {
            numbers.append(try lookup(identity(inode), parent: .root, name: name("file-\(inode)")))
        }
        #expect(table.count == Int(count) + 1)
        #expect(Set(numbers).count == Int(count))
        #expect(text(try table.location(of: numbers[777]).name) == "file-877")
        for number in numbers { table.forget(number, lookups: 1) }
        #expect(table.count == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func lookupsAndForgetsOnManyThreadsEndWithTheRootAlone() throws {
        let table = table
        let threads = try (0..<4).map { index in
            try NamedThread("lookup-\(index)") {
                var random = SystemRandomNumberGenerator()
                for _ in 0..<50_000 {
                    let inode = UInt64.random(in: 10..<30, using: &random)
                    var gone: [InodeNumber] = []
                    guard
                        let number = try? table.lookup(
                            InodeIdentity(file: FileIdentity(device: 1, inode: inode)), parent: .root, name: name("x"),
                            gone: &gone)
                    else { return }
                    // A number just looked up can never be stale: whoever forgets it forgets one lookup only.
                    precondition((try? table.identity(of: number))?.file.inode == inode)
                    table.forget(number, lookups: 1)
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(table.count == 1)
    }
}

func name(_ text: String) -> ComponentName { ComponentName(text)! }

func text(_ name: ComponentName) -> String {
    name.withBytes { String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

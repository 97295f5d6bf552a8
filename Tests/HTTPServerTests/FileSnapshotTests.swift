import Glibc
import Platform
import TestSupport
import Testing

@testable import HTTPServer

/// What comes of an attempt to hold a file in memory, and that no place is lost by it.
@Suite struct FileSnapshotTests {
    private let budget = CountBudget(1)

    private func version(_ file: borrowing OwnedDescriptor) throws -> ContentVersion {
        ContentVersion(try Files.status(file.rawValue))
    }

    private func outcome(_ file: CInt, _ version: ContentVersion) -> String {
        switch FileSnapshot.take(file, version, budget: budget) {
        case .taken(let snapshot):
            #expect(!budget.reserve())
            return "taken \(snapshot.bytes.count)"
        case .changed: return "changed"
        case .late: return "late"
        case .refused: return "refused"
        case .refusedAndGrown: return "refused and grown"
        case .failed(let error): return "failed: \(error == .isDirectory ? "a folder" : "\(error)")"
        }
    }

    private func expectTheBudgetToBeWhole() {
        #expect(budget.reserve())
        budget.giveBack()
    }

    @Test(arguments: [0, 1, 4096, 26_400, Int(Limits.snapshotBytesMax)])
    func aFileThatStaysAsItIsIsTakenInWhole(_ count: Int) throws {
        let bytes = (0..<count).map { UInt8($0 % 251) }
        let file = try NamelessFile.make(bytes)
        guard case .taken(let snapshot) = FileSnapshot.take(file.rawValue, try version(file), budget: budget) else {
            Issue.record("it was not taken")
            return
        }
        #expect(Array(snapshot.bytes) == bytes)
        withExtendedLifetime(snapshot) { #expect(!budget.reserve()) }
    }

    @Test func oneThatIsAnotherByNowIsNot() throws {
        let file = try NamelessFile.make([1, 2, 3])
        let before = try version(file)
        var longer = before
        longer.size = 4
        #expect(outcome(file.rawValue, longer) == "changed")
        var shorter = before
        shorter.size = 2
        #expect(outcome(file.rawValue, shorter) == "changed")
        #expect(pwrite(file.rawValue, "x", 1, 0) == 1)
        #expect(outcome(file.rawValue, before) == "changed")
        #expect(outcome(file.rawValue, try version(file)) == "taken 3")
        expectTheBudgetToBeWhole()
    }

    @Test func whatIsTooLargeOrHasNoPlaceIsRefused() throws {
        let large = try NamelessFile.make([UInt8](repeating: 1, count: Int(Limits.snapshotBytesMax) + 1))
        let before = try version(large)
        #expect(outcome(large.rawValue, before) == "refused")
        #expect(pwrite(large.rawValue, "x", 1, 0) == 1)
        #expect(outcome(large.rawValue, before) == "changed")
        var former = try version(large)
        former.changedNanoseconds -= 1
        #expect(outcome(large.rawValue, former) == "refused and grown")
        #expect(ftruncate(large.rawValue, off_t(before.size) + 1) == 0)
        #expect(outcome(large.rawValue, before) == "refused and grown")
        #expect(ftruncate(large.rawValue, 7) == 0)
        #expect(outcome(large.rawValue, before) == "changed")
        #expect(outcome(large.rawValue, try version(large)) == "taken 7")
        expectTheBudgetToBeWhole()
        let small = try NamelessFile.make([1])
        #expect(budget.reserve())
        #expect(outcome(small.rawValue, try version(small)) == "refused")
    }

    /// Where that is the end of the mount, the request is answered in another way.
    @Test func whatCannotBeReadSaysWhy() throws {
        let folder = try Files.open("/", flags: O_RDONLY)
        #expect(outcome(folder.rawValue, ContentVersion(try Files.status(folder.rawValue))) == "failed: a folder")
        expectTheBudgetToBeWhole()
    }
}

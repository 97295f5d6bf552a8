import Glibc
import Platform
import Testing

@testable import HTTPServer

@Suite struct MappedFileTests {
    /// - Returns: a descriptor of a file that has no name any more.
    private func makeFile(_ bytes: [UInt8]) throws -> OwnedDescriptor {
        var name = Array("/tmp/serverfs-mapped-XXXXXX".utf8CString)
        let number = mkstemp(&name)
        try #require(number >= 0)
        unlink(name)
        #expect(fcntl(number, F_SETFD, FD_CLOEXEC) == 0)
        #expect(write(number, bytes, bytes.count) == bytes.count)
        return OwnedDescriptor(adopting: number)
    }

    /// What is reserved is given back once, whatever becomes of the mapping.
    @Test func aBudgetOfOneIsOneAtATime() throws {
        let budget = CountBudget(1)
        let file = try makeFile([1, 2, 3])
        let endsWithZero = try makeFile([1, 2, 0])
        let directory = try Files.open("/", flags: O_RDONLY)
        for _ in 1...3 {
            #expect(budget.reserve())
            #expect(!budget.reserve())
            var mapped = MappedFile(file.rawValue, size: 3, budget: budget)
            #expect(mapped?.isWhole == true)
            #expect(!budget.reserve())
            mapped = nil
            for refused in [endsWithZero.rawValue, directory.rawValue] {
                #expect(budget.reserve())
                #expect(MappedFile(refused, size: 3, budget: budget) == nil)
            }
        }
        #expect(budget.reserve())
    }

    @Test func aFileIsWholeUntilItIsCut() throws {
        let budget = CountBudget(1)
        let file = try makeFile([UInt8](repeating: 7, count: 5000))
        #expect(budget.reserve())
        let mapped = try #require(MappedFile(file.rawValue, size: 5000, budget: budget))
        ftruncate(file.rawValue, 6000)
        #expect(mapped.isWhole)
        for size in [4999, 4096, 100, 0] {
            ftruncate(file.rawValue, off_t(size))
            #expect(!mapped.isWhole, "\(size)")
        }
    }
}

import Glibc
import Platform
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct MappedFileTests {
    /// What is reserved is given back once, whatever becomes of the mapping.
    @Test func aBudgetOfOneIsOneAtATime() throws {
        let budget = CountBudget(1)
        let file = try NamelessFile.make([1, 2, 3])
        let endsWithZero = try NamelessFile.make([1, 2, 0])
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
        let file = try NamelessFile.make([UInt8](repeating: 7, count: 5000))
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

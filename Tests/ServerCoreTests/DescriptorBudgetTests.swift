import Testing

@testable import ServerCore

@Suite struct DescriptorBudgetTests {
    private func budget(
        _ limit: UInt64, workers: Int, cache: Int = 1024, hasAdmin: Bool = true
    ) throws -> DescriptorBudget {
        try DescriptorBudget(
            limitBefore: limit, limit: limit, workers: workers, listeners: 2, fuseThreads: 2,
            openFileCacheCapacity: cache, hasAdmin: hasAdmin)
    }

    @Test(arguments: [128, 256, 1024, 20_000, 1_048_576] as [UInt64], [1, 2, 8])
    func neverPromisesMoreThanTheLimit(limit: UInt64, workers: Int) throws {
        guard let budget = try? budget(limit, workers: workers) else {
            #expect(limit < 256)
            return
        }
        let files = budget.openFileCacheCapacity * 3 * workers
        let connections = budget.connectionsMaxPerWorker * 3 * workers
        let fixed = 20 + workers * 8 + 2
        #expect(budget.connectionsMaxPerWorker >= 4)
        #expect((4...32).contains(budget.adminConnectionsMax))
        #expect(files + connections + fixed + 8 + 12 + budget.adminConnectionsMax <= Int(limit))
    }

    @Test func tooFewDescriptorsAreRefusedWithTheNumberThatIsNeeded() {
        let failure = #expect(throws: StartFailure.self) { try budget(64, workers: 16) }
        #expect(failure?.description.contains("64 descriptors") == true)
    }

    @Test func aLargeLimitGivesTheCacheWhatWasAskedFor() throws {
        let budget = try budget(20_000, workers: 2)
        #expect(budget.openFileCacheCapacity == 1024)
        #expect(budget.connectionsMaxPerWorker > 1000)
    }

    @Test func aCacheThatIsOffStaysOff() throws {
        #expect(try budget(20_000, workers: 2, cache: 0).openFileCacheCapacity == 0)
    }

    @Test func anAdminSideThatIsOffTakesNothing() throws {
        let without = try budget(256, workers: 2, hasAdmin: false)
        let with = try budget(256, workers: 2)
        #expect(without.adminConnectionsMax == 0)
        #expect(without.openFileCacheCapacity > with.openFileCacheCapacity)
    }
}

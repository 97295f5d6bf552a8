import Testing

@testable import ServerCore

@Suite struct DescriptorBudgetTests {
    @Test(arguments: [64, 256, 1024, 20_000, 1_048_576] as [UInt64], [1, 2, 64])
    func neverPromisesMoreThanTheLimit(limit: UInt64, workers: Int) {
        let budget = DescriptorBudget(limitBefore: limit, limit: limit, workers: workers, openFileCacheCapacity: 1024)
        #expect(budget.connectionsMaxPerWorker >= 4)
        let files = budget.openFileCacheCapacity * 3 * workers
        let connections = budget.connectionsMaxPerWorker * 3 * workers
        // The least that is given to each connection is more than 64 descriptors hold for many workers.
        if budget.connectionsMaxPerWorker > 4 {
            #expect(files + connections + budget.directoryDescriptorsMax + 64 <= Int(limit))
        }
    }

    @Test func aLargeLimitGivesTheCacheWhatWasAskedFor() {
        let budget = DescriptorBudget(limitBefore: 1024, limit: 20_000, workers: 2, openFileCacheCapacity: 1024)
        #expect(budget.openFileCacheCapacity == 1024)
        #expect(budget.connectionsMaxPerWorker > 1000)
    }

    @Test func aCacheThatIsOffStaysOff() {
        let budget = DescriptorBudget(limitBefore: 1024, limit: 20_000, workers: 2, openFileCacheCapacity: 0)
        #expect(budget.openFileCacheCapacity == 0)
    }
}

import Platform
import Testing

@testable import Telemetry

@Suite struct CounterTests {
    @Test func rawValuesOfKeysAreTheirPositions() {
        #expect(FuseCounter.allCases.map(\.rawValue) == Array(0..<FuseCounter.allCases.count))
        #expect(HTTPCounter.allCases.map(\.rawValue) == Array(0..<HTTPCounter.allCases.count))
    }

    @Test func aGroupAddsUpWhatItsThreadsCountAlsoAfterTheyHaveEnded() throws {
        let group = CounterGroup<FuseCounter>()
        let threads = try (0..<4).map { index in
            let counters = group.makeCounters()
            return try NamedThread("counter-\(index)") {
                for _ in 0..<10_000 { counters.add(.read) }
                counters.add(.readBytes, UInt64(index))
            }
        }
        for thread in threads { thread.join() }
        #expect(group[.read] == 40_000)
        #expect(group[.readBytes] == 6)
        #expect(group[.open] == 0)
    }

    @Test func aCounterThatPassesItsLargestValueGoesOnFromZeroAndDoesNotTrap() {
        let counters = Counters<FuseCounter>()
        counters.add(.readBytes, .max)
        counters.add(.readBytes, 2)
        #expect(counters[.readBytes] == 1)
    }
}

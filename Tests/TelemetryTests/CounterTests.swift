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

    @Test func textNamesEveryFuseOperationAndBothServingPaths() {
        let fuse = CounterGroup<FuseCounter>()
        let counters = fuse.makeCounters()
        counters.add(.lookup, 3)
        let http = CounterGroup<HTTPCounter>()
        http.makeCounters().add(.bypassRequests, 5)
        var metrics = MetricsText()
        metrics.add(http)
        metrics.add(fuse, inodes: 7)
        let lines = metrics.text.split(separator: "\n")
        #expect(lines.contains("serverfs_fuse_requests_total{operation=\"lookup\"} 3"))
        #expect(lines.contains("serverfs_http_requests_total{via=\"bypass\"} 5"))
        #expect(lines.contains("serverfs_http_requests_total{via=\"mount\"} 0"))
        #expect(lines.contains("serverfs_fuse_inodes 7"))
        for operation in FuseOperation.allCases.map(\.name) {
            #expect(metrics.text.contains("{operation=\"\(operation)\"}"))
        }
        // Every family has its type before its samples, and no family comes twice.
        let families = lines.filter { $0.hasPrefix("# TYPE ") }
        #expect(Set(families).count == families.count)
    }
}

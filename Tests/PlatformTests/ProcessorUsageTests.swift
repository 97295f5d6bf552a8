import Testing

@testable import Platform

@Suite struct ProcessorUsageTests {
    @Test func whatIsNeitherIdleNorOwnIsOthers() throws {
        let start = try #require(ProcessorUsage("cpu  100 0 50 1000 50 0 0 0 7 0", ownSeconds: 1))
        // 400 ticks more: 100 idle or waiting for I/O, 2 s of our own, which are 200 ticks, and 100 of others.
        let end = try #require(ProcessorUsage("cpu  250 10 160 1060 90 10 10 10 9 0", ownSeconds: 3))
        #expect(abs(end.othersShare(since: start) - 0.25) < 1e-9)
        #expect(start.othersShare(since: start) == 0)
        #expect(ProcessorUsage("cpu0 1 2 3 4 5 6 7 8", ownSeconds: 0) == nil)
        #expect(ProcessorUsage("cpu  1 2 3", ownSeconds: 0) == nil)
        #expect(ProcessorUsage.now != nil)
    }
}

import FoundationEssentials
import Testing

@testable import serverfs

/// What `serverfs top` makes of statuses that no server sends in a test.
@Suite struct TopFigureTests {
    private func status(
        pid: Int = 1, uptimeSeconds: Double, counters: UInt64, threads: UInt64? = nil
    ) throws -> TopStatus {
        let latency = """
            {"count":\(counters),"p50Nanoseconds":\(counters),"p90Nanoseconds":\(counters),"p99Nanoseconds":\(counters),\
            "maxNanoseconds":\(counters)}
            """
        let switches = """
            "voluntarySwitches":\(threads ?? counters),"involuntarySwitches":\(threads ?? counters),\
            "processorNanoseconds":\(threads ?? counters)
            """
        let served = """
            {"requests":\(counters),"bodyBytes":\(counters),"openFileHits":\(counters),"openFileMisses":\(counters),\
            "fuseRequests":\(counters),\(switches)}
            """
        let text = """
            {"version":"1","pid":\(pid),"uptimeSeconds":\(uptimeSeconds),"bypass":false,"mounted":true,"degraded":false,\
            "mountLosses":\(counters),"telemetry":true,"recordingTrace":false,"http":{"mount":\(served),"bypass":\(served),\
            "connections":{"open":\(counters),"accepted":\(counters),"refused":\(counters)},"invalidRequests":\(counters),\
            "truncatedResponses":\(counters),"stuckRequests":\(counters),"stuckRequestsGivenUp":\(counters)},\
            "fuse":{"operations":{"read":{"requests":\(counters),"serviceNanoseconds":\(counters),\
            "replyNanoseconds":\(counters),"latency":\(latency)}},"readBytes":\(counters),"inodes":\(counters)},\
            "threads":[{"name":"http-0",\(switches)}],"slowRequests":[{"path":"/a","via":"mount","status":200,\
            "latencyNanoseconds":\(counters),"phases":{"open":\(counters),"send":\(counters)},"fuseRequests":\(counters)}],\
            "interval":{"http":{"mount":{"latency":\(latency)},"bypass":{"latency":\(latency)}}}}
            """
        return try JSONDecoder().decode(TopStatus.self, from: Data(text.utf8))
    }

    private func text(_ before: TopStatus, _ now: TopStatus) -> String {
        let page = TopPage(figures: TopFigures(before, now), address: "127.0.0.1:9180")
        return (page.lines + [page.line]).joined(separator: "\n")
    }

    /// Beyond 2⁵³ a rate is that of the numbers themselves, not of the doubles next to them.
    @Test func ratesAreThoseOfTheCountersHoweverLargeTheyAre() throws {
        let day: UInt64 = 8_640_000_000_000_000_000
        let figures = TopFigures(
            try status(uptimeSeconds: 86_400, counters: day), try status(uptimeSeconds: 86_402, counters: day + 246))
        #expect(figures.mount.requests == 123)
        #expect(figures.operations.map { $0.rate } == [123])
        #expect(figures.threads.map { $0.voluntary } == [123])
        #expect(figures.threads.map { $0.processor } == [123e-9])
    }

    @Test func theLargestNumbersAreShown() throws {
        let text = text(
            try status(uptimeSeconds: 1, counters: 0), try status(uptimeSeconds: 2, counters: .max))
        #expect(text.contains("refused 18446744073709551615"))
        #expect(text.contains("18,446,744,073.71 s"))
        #expect(!text.contains("nan") && !text.contains("inf"))
    }

    /// As after 2⁶⁴ of something, with a thread whose figures begin anew, and with another process.
    @Test func whatGoesBackHasNoRate() throws {
        let before = try status(uptimeSeconds: 10, counters: .max - 10, threads: 1_000_000_000)
        for now in [
            try status(uptimeSeconds: 11, counters: 5, threads: 10),
            try status(pid: 2, uptimeSeconds: 1e-9, counters: 0, threads: 0),
        ] {
            let figures = TopFigures(before, now)
            #expect(figures.mount.requests == 0 && figures.bypass.bodyBytes == 0)
            #expect(figures.mount.switches == nil && figures.mount.hits == nil)
            #expect(figures.threads.map { $0.processor } == [0])
            #expect(text(before, now).contains("mount 0 requests/s"))
        }
    }
}

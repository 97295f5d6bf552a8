import Testing

@testable import serverfs_bench

@Suite struct PlanTests {
    @Test func everySeriesHasFilesOfItsOwn() {
        let slugs = (Plan.oneFile + Plan.filesInTurn).map(\.slug)
        #expect(Set(slugs).count == slugs.count)
    }

    /// Each file of the docroot is made, and each is asked for once before any is asked for again.
    @Test func filesInTurnAreWhatTheScriptAsksFor() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let workload = try Workload.filesInTurn(count: 3, fileBytes: 100, in: directory)
        let sizes = (1...3).map { regularFileBytes("\(workload.docroot)/\($0).html") }
        #expect(sizes == [100, 100, 100])
        #expect(text(ofFile: "\(workload.docroot)/1.html") != text(ofFile: "\(workload.docroot)/2.html"))
        let script = text(ofFile: try #require(workload.script))
        #expect(script.contains("for number = 1, 3 do"))
        #expect(script.contains("\"/\" .. number .. \".html\""))
        #expect(script.contains("last % 3 + 1"))
    }
}

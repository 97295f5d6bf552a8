import Testing

@testable import serverfs_bench

@Suite struct MatrixTests {
    private let combination = Combination(api: "lowlevel", open: "retained", read: "mmap", cache: "timeout")

    @Test func everyCombinationIsThereOnce() {
        #expect(Combination.all.count == 2 * 4 * 3 * 3)
        #expect(Set(Combination.all.map(\.name)).count == Combination.all.count)
    }

    @Test func aCombinationIsSpelledOut() throws {
        let series = combination.series(openFileCache: false)
        #expect(
            series.serverfsArguments == [
                "--fuse-api", "lowlevel", "--fuse-open", "retained", "--fuse-read", "mmap", "--fuse-cache", "timeout",
                "--open-file-cache", "off",
            ])
        #expect(series.targets == [.bypass, .mount])
        #expect(combination.has(["mmap", "lowlevel"]))
        #expect(combination.has([]))
        #expect(!combination.has(["mmap", "none"]))
    }

    @Test func measuredAndFailedRowsAreTold() throws {
        var result = try Sampled.result(of: combination.series(openFileCache: true))
        var report = MatrixReport(
            rows: [
                MatrixRow(combination: combination, openFileCache: true, outcome: .measured(result)),
                MatrixRow(combination: combination, openFileCache: false, outcome: .failed("it hung")),
            ], subject: "wrk")
        #expect(
            cells(report.table)[2...] == [
                combination.values + ["on", "0.900", "0.800–0.950", "0.210", "0.00500", "3.00 MB"],
                combination.values + ["off", "failed", "", "", "", ""],
            ])
        #expect(report.remarks == ["lowlevel retained mmap timeout, open-file cache off: failed: it hung"])

        result.banner.unavailable = "fuse-cache watched: no"
        report.rows[0].outcome = .measured(result)
        let name = combination.series(openFileCache: true).name
        #expect(report.remarks.first == "\(name): unavailable: fuse-cache watched: no")
    }

    @Test func refusalsThatDifferInTheReadAloneAreOneRow() {
        var report = MatrixReport(subject: "wrk")
        for read in ["copy", "splice", "mmap"] {
            for cache in ["none", "watched"] {
                report.refused.append(
                    (Combination(api: "highlevel", open: "stateless", read: read, cache: cache), "no \(cache)"))
            }
        }
        #expect(
            cells(report.refusals)[2...] == [
                ["highlevel", "stateless", "copy, splice, mmap", "none", "no none"],
                ["highlevel", "stateless", "copy, splice, mmap", "watched", "no watched"],
            ])
    }

    @Test func refusalsAreTakenFromWhatServerfsSays() {
        let usage = "Error: --a forbids --b.\nUsage: serverfs serve\n"
        #expect(StartRefusal(.exited(64), errorOutput: usage) == StartRefusal(reason: "--a forbids --b"))
        let start = "serverfs: kernel passthrough needs root\n"
        #expect(StartRefusal(.exited(1), errorOutput: start) == StartRefusal(reason: "kernel passthrough needs root"))
        #expect(StartRefusal(.killed(signal: 11), errorOutput: start) == nil)
        #expect(StartRefusal(.exited(1), errorOutput: "Fatal error\n") == nil)
    }
}

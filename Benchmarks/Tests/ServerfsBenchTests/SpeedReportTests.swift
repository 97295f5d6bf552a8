import Testing

@testable import serverfs_bench

/// Results as runs would give them.
enum Sampled {
    /// wrk takes half of the time, and 1 % less of it beside the mount.
    static func sample(_ requestsPerSecond: Double, _ cost: ServerCost? = nil, clientShare: Double? = nil) -> Sample {
        Sample(
            requestsPerSecond: requestsPerSecond, transferBytesPerSecond: requestsPerSecond * 1024 * 1024,
            clientShare: clientShare, cost: cost)
    }

    /// The machine gets slower from round to round, and the mount stays at 0.9 of the bypass or near.
    static func result(of series: Series) throws -> SeriesResult {
        let banner = try #require(ServerfsBanner(parsing: ServerfsBannerTests.complete))
        let cost = ServerCost(httpRequests: 1000, fuseRequests: 4, switches: ContextSwitches(http: 200, fuse: 10))
        let bypassCost = ServerCost(httpRequests: 2000, fuseRequests: 1, switches: ContextSwitches(http: 100))
        return SeriesResult(
            series: series, banner: banner,
            rounds: [
                [
                    .mount: sample(90, cost, clientShare: 0.495), .bypass: sample(100, bypassCost, clientShare: 0.5),
                    .nginx: sample(80),
                ],
                [
                    .mount: sample(47.5, cost, clientShare: 0.495), .bypass: sample(50, bypassCost, clientShare: 0.5),
                    .nginx: sample(50),
                ],
                [
                    .mount: sample(8, cost, clientShare: 0.495), .bypass: sample(10, bypassCost, clientShare: 0.5),
                    .nginx: sample(20),
                ],
            ],
            residentBytes: 3 << 20)
    }
}

@Suite struct SpeedReportTests {
    private let series = Series(
        name: "a series", slug: "a-series", serverfsArguments: [], nginx: .openFileCache(true),
        requirements: [
            .ratio(.mount, to: .bypass, atLeast: 0.9), .ratio(.bypass, to: .nginx, atLeast: 1),
            .fuseRequests(below: 0.006),
        ])

    private func report() throws -> SpeedReport {
        SpeedReport(
            results: [try Sampled.result(of: series)], load: "wrk",
            workload: Workload(
                name: "a file (1 byte)", shortName: "a file", docroot: "/", path: "", paths: [""], fileBytes: 1))
    }

    @Test func ratiosAreTakenWithinARound() throws {
        let ratio = try Sampled.result(of: series).ratio(.mount, to: .bypass)
        #expect([ratio.min, ratio.median, ratio.max] == [0.8, 0.9, 0.95])
        #expect(try Sampled.result(of: series).ratio(.mount, to: .bypass, of: .requestsByProcessorTime).max == 0.99)
    }

    @Test func costsAreOfAllRounds() throws {
        let result = try Sampled.result(of: series)
        let cost = result.cost(.mount)
        #expect(cost.perRequest(cost.fuseRequests) == 0.004)
        // What came to the daemon while the bypass was on is nobody else's.
        #expect(result.fuseRequestsPerRequest == 0.005)
        #expect(cost.perRequest(cost.switches.all) == 0.21)
        #expect(result.cost(.nginx).httpRequests == 0)
    }

    @Test func theTablesHoldEachTarget() throws {
        let report = try report()
        #expect(cells(report.throughput)[0][0] == "wrk, a file (1 byte)")
        #expect(
            Array(cells(report.throughput)[2...]) == [
                ["bypass, a series", "50", "50.00 MB", "1.000", "", "", "", "", "", ""],
                ["mount, a series", "48", "47.50 MB", "0.900", "0.055", "0.800–0.950", "0.990", "0.000", "–", "–"],
                ["nginx, open_file_cache on", "50", "50.00 MB", "1.000", "0.464", "0.800–2.000", "–", "–", "–", "–"],
            ])
        #expect(cells(report.costs).last == ["mount, a series", "0.00400", "0.210", "0.200", "0.010", "0.00000"])
    }

    @Test func aSeriesWithoutNginxHasNoRowOfIt() throws {
        var report = try report()
        report.results = [
            try Sampled.result(of: Series(name: "b", slug: "b", serverfsArguments: []))
        ]
        #expect(!report.throughput.text.contains("nginx"))
        #expect(report.verdicts.isEmpty)
    }

    @Test func telemetryIsComparedWithItselfOff() throws {
        let telemetry = Series(
            name: "b", slug: "b", serverfsArguments: [], baseline: .untimed,
            requirements: [
                .ratio(.mount, to: .untimed, atLeast: 0.99, of: .requestsByProcessorTime),
                .ratio(.mount, to: .untimed, atLeast: 0.99),
            ])
        #expect(telemetry.targets == [.untimed, .mount])
        #expect(telemetry.baseline.switchName == "telemetry")
        #expect(telemetry.baseline.isOn(for: .mount) && !telemetry.baseline.isOn(for: .untimed))
        #expect(!series.baseline.isOn(for: .mount) && series.baseline.isOn(for: .bypass))
        var report = try report()
        report.results = [try Sampled.result(of: telemetry)]
        for round in report.results[0].rounds.indices {
            report.results[0].rounds[round][.untimed] = report.results[0].rounds[round][.bypass]
        }
        #expect(cells(report.throughput)[2][0] == "mount with telemetry off, b")
        #expect(cells(report.costs)[2][0] == "mount with telemetry off, b")
        #expect(report.verdicts.map(\.measured) == ["0.990", "0.900"])
        #expect(report.verdicts.map(\.isMet) == [true, false])
        #expect(report.verdicts[0].what == "mount / mount with telemetry off, b, a file, by processor time")
    }

    @Test func eachRequirementIsJudged() throws {
        var report = try report()
        #expect(report.verdicts.map(\.isMet) == [true, true, true])
        let rows = cells(Verdict.table("targets", report.verdicts))
        #expect(rows.contains(["mount / bypass, a series, a file", "≥ 0.90", "0.900", "0.055", "0.800–0.950", "met"]))
        #expect(
            rows.contains(["FUSE requests per HTTP request, a series, a file", "< 0.006", "0.00500", "", "", "met"]))

        report.results[0].rounds[1][.nginx] = Sampled.sample(60)
        report.results[0].rounds[0][.mount]?.cost?.fuseRequests = 8
        #expect(report.verdicts.map(\.isMet) == [true, false, false])
        let row = cells(Verdict.table("targets", report.verdicts))[3]
        #expect(row[2...] == ["0.833", "0.271", "0.500–1.250", "missed"])
    }

    @Test func whatIsRefusedIsNotMeasured() throws {
        var report = try report()
        report.results = []
        report.refused = [(series, "it needs root")]
        #expect(report.verdicts.count == 3)
        #expect(report.verdicts.allSatisfy { $0.isMet == nil })
        #expect(cells(Verdict.table("targets", report.verdicts))[2][1...] == ["≥ 0.90", "–", "", "", "not measured"])
    }
}

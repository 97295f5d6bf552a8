import Testing

@testable import serverfs_bench

@Suite struct SeriesResultTests {
    private func sample(_ requestsPerSecond: Double, _ cost: ServerCost? = nil) -> Sample {
        Sample(
            report: WrkReport(
                requests: 1000, bytesRead: 1, requestsPerSecond: requestsPerSecond,
                transferBytesPerSecond: requestsPerSecond * 1024 * 1024),
            cost: cost)
    }

    /// The machine gets slower from round to round, and the mount stays at 0.9 of the bypass or near.
    private func result() throws -> SeriesResult {
        let banner = try #require(ServerfsBanner(parsing: ServerfsBannerTests.complete))
        let cost = ServerCost(httpRequests: 1000, fuseRequests: 5, switches: ContextSwitches(http: 200, fuse: 10))
        return SeriesResult(
            series: Series(
                name: "a series", slug: "a-series", serverfsArguments: [], nginxOpenFileCache: true,
                requirements: [
                    Requirement(numerator: .mount, denominator: .bypass, atLeast: 0.9),
                    Requirement(numerator: .bypass, denominator: .nginx, atLeast: 1),
                ]),
            banner: banner,
            rounds: [
                [.mount: sample(90, cost), .bypass: sample(100, cost), .nginx: sample(80)],
                [.mount: sample(47.5, cost), .bypass: sample(50, cost), .nginx: sample(50)],
                [.mount: sample(8, cost), .bypass: sample(10, cost), .nginx: sample(20)],
            ])
    }

    @Test func ratiosAreTakenWithinARound() throws {
        let ratio = try result().ratio(.mount, to: .bypass)
        #expect(ratio == Spread([0.9, 0.95, 0.8]))
        #expect(ratio.median == 0.9)
    }

    @Test func costsAreOfAllRounds() throws {
        let cost = try result().cost(.mount)
        #expect(cost.perRequest(cost.fuseRequests) == 0.005)
        #expect(cost.perRequest(cost.switches.all) == 0.21)
        #expect(try result().cost(.nginx).httpRequests == 0)
    }

    @Test func theReportJudgesEachRequirement() throws {
        var report = Report(results: [try result()], subject: "wrk")
        #expect(report.allRequirementsMet)
        #expect(report.targets.text.contains("|     0.90 |    0.900 | 0.800–0.950 | pass |"))

        report.results[0].rounds[1][.nginx] = sample(60)
        #expect(!report.allRequirementsMet)
        #expect(report.targets.text.contains("| 0.500–1.250 | below |"))
        #expect(report.throughput.text.contains("| mount, a series           |         48 |   47.50 MB |"))
        #expect(report.costs.text.contains("| mount, a series  |       0.00500 |            0.210 |"))
    }
}

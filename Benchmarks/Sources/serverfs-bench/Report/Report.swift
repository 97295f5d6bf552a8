/// The tables. What they say is plain text that is Markdown as well.
struct Report {
    var results: [SeriesResult]
    /// Names the load and the file, in the corner of the first table.
    var subject: String

    /// Requests and bytes a second: the table of the report of 2013.
    var throughput: Table {
        var table = Table([
            (subject, .left), ("requests/s", .right), ("transfer/s", .right),
            ("share of bypass (median of pairs)", .right), ("min–max", .right),
        ])
        for result in results {
            for target in [Target.bypass, .mount, .nginx] {
                let share = result.ratio(target, to: .bypass)
                table.addRow([
                    label(target, result.series),
                    grouped(result.medianRequestsPerSecond(target)),
                    binaryAmount(result.medianTransferBytesPerSecond(target)),
                    fixed(share.median, decimals: 3),
                    target == .bypass ? "" : range(share),
                ])
            }
        }
        return table
    }

    /// What a request costs inside serverfs.
    var costs: Table {
        var table = Table([
            ("per HTTP request", .left), ("FUSE requests", .right), ("context switches", .right),
            ("of http-*", .right), ("of fuse-*", .right),
        ])
        for result in results {
            for target in [Target.bypass, .mount] {
                let cost = result.cost(target)
                table.addRow([
                    label(target, result.series),
                    fixed(cost.perRequest(cost.fuseRequests), decimals: 5),
                    fixed(cost.perRequest(cost.switches.all), decimals: 3),
                    fixed(cost.perRequest(cost.switches.http), decimals: 3),
                    fixed(cost.perRequest(cost.switches.fuse), decimals: 3),
                ])
            }
        }
        return table
    }

    /// What is required, and what was measured.
    var targets: Table {
        var table = Table([
            ("requests/s, median of \(results[0].rounds.count) pairs", .left), ("at least", .right),
            ("measured", .right), ("min–max", .right), ("", .left),
        ])
        for result in results {
            for requirement in result.series.requirements {
                let ratio = result.ratio(requirement.numerator, to: requirement.denominator)
                table.addRow([
                    "\(requirement.numerator.name) / \(requirement.denominator.name), \(result.series.name)",
                    fixed(requirement.atLeast, decimals: 2),
                    fixed(ratio.median, decimals: 3),
                    range(ratio),
                    ratio.median >= requirement.atLeast ? "pass" : "below",
                ])
            }
        }
        return table
    }

    var allRequirementsMet: Bool {
        results.allSatisfy { result in
            result.series.requirements.allSatisfy {
                result.ratio($0.numerator, to: $0.denominator).median >= $0.atLeast
            }
        }
    }

    private func label(_ target: Target, _ series: Series) -> String {
        switch target {
        case .mount, .bypass: "\(target.name), \(series.name)"
        case .nginx: "nginx, open_file_cache \(series.nginxOpenFileCache ? "on" : "off")"
        }
    }

    private func range(_ spread: Spread) -> String {
        "\(fixed(spread.min, decimals: 3))–\(fixed(spread.max, decimals: 3))"
    }
}

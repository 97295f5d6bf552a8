/// The tables of one workload. What they say is plain text that is Markdown as well.
struct SpeedReport {
    var results: [SeriesResult]
    /// The series that serverfs refused, with its reason.
    var refused: [(series: Series, reason: String)] = []
    /// The command of wrk.
    var load: String
    var workload: Workload

    /// Requests and bytes a second: the table of the report of 2013.
    var throughput: Table {
        var table = Table([
            ("\(load), \(workload.name)", .left), ("requests/s", .right), ("transfer/s", .right),
            ("share of the first (median of pairs)", .right), ("±", .right), ("min–max", .right),
            ("by processor time", .right), ("±", .right), ("wrk's time a request", .right), ("±", .right),
        ])
        for result in results {
            let baseline = result.series.baseline.target
            for target in result.series.targets {
                let share = result.ratio(target, to: baseline)
                let byTime = result.ratio(target, to: baseline, of: .requestsByProcessorTime)
                let clientTime = result.ratio(target, to: baseline, of: .clientTime)
                let shares =
                    target == baseline
                    ? ["", "", "", "", "", ""]
                    : [
                        fixed(share.standardError, decimals: 3), rangeText(share),
                        fixed(byTime.median, decimals: 3), fixed(byTime.standardError, decimals: 3),
                        fixed(clientTime.median, decimals: 3), fixed(clientTime.standardError, decimals: 3),
                    ]
                table.addRow(
                    [
                        label(target, result.series),
                        grouped(result.medianRequestsPerSecond(target)),
                        binaryAmount(result.medianTransferBytesPerSecond(target)),
                        fixed(share.median, decimals: 3),
                    ] + shares)
            }
        }
        return table
    }

    static let explanation = """
        By processor time: what wrk does for a request is the same, as far as the last columns say so, and so its share of \
        the time that it and serverfs take together shows what serverfs does, however fast the machine is at the moment. \
        Where the processors are always busy, requests/s are in proportion to it; elsewhere it is not given.

        """

    /// What a request costs inside serverfs.
    var costs: Table {
        var table = Table([
            ("per HTTP request, \(workload.shortName)", .left), ("FUSE requests", .right), ("context switches", .right),
            ("of http-*", .right), ("of fuse-*", .right), ("pages refaulted", .right),
        ])
        for result in results {
            for target in result.series.targets where target != .nginx {
                let cost = result.cost(target)
                table.addRow([
                    label(target, result.series),
                    fixed(cost.perRequest(cost.fuseRequests), decimals: 5),
                    fixed(cost.perRequest(cost.switches.all), decimals: 3),
                    fixed(cost.perRequest(cost.switches.http), decimals: 3),
                    fixed(cost.perRequest(cost.switches.fuse), decimals: 3),
                    fixed(cost.perRequest(cost.refaultedPages), decimals: 5),
                ])
            }
        }
        return table
    }

    /// What is required, and what was measured.
    var verdicts: [Verdict] {
        let measured = results.flatMap { result in
            result.series.requirements.map { verdict($0, of: result) }
        }
        let notMeasured = refused.flatMap { series, _ in
            series.requirements.map { requirement in
                Verdict(what: what(requirement, series), target: target(requirement), measured: "–")
            }
        }
        return measured + notMeasured
    }

    private func verdict(_ requirement: Requirement, of result: SeriesResult) -> Verdict {
        switch requirement {
        case .ratio(let numerator, to: let denominator, let bound, let rate):
            let ratio = result.ratio(numerator, to: denominator, of: rate)
            return .atLeast(bound, what(requirement, result.series), ratio)
        case .fuseRequests(let bound):
            let requests = result.fuseRequestsPerRequest
            return Verdict(
                what: what(requirement, result.series), target: target(requirement),
                measured: fixed(requests, decimals: 5), isMet: requests < bound)
        }
    }

    private func what(_ requirement: Requirement, _ series: Series) -> String {
        switch requirement {
        case .ratio(let numerator, to: let denominator, _, let rate):
            "\(numerator.name) / \(denominator.name), \(series.name), \(workload.shortName)"
                + (rate == .requests ? "" : ", by processor time")
        case .fuseRequests: "FUSE requests per HTTP request, \(series.name), \(workload.shortName)"
        }
    }

    private func target(_ requirement: Requirement) -> String {
        switch requirement {
        case .ratio(_, to: _, let bound, _): "≥ \(fixed(bound, decimals: 2))"
        case .fuseRequests(let bound): "< \(fixed(bound, decimals: 3))"
        }
    }

    private func label(_ target: Target, _ series: Series) -> String {
        guard case .openFileCache(let isOn) = series.nginx, target == .nginx else {
            return "\(target.name), \(series.name)"
        }
        return "nginx, open_file_cache \(isOn ? "on" : "off")"
    }
}

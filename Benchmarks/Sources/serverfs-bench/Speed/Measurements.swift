/// What serverfs itself did in a run, or in several.
struct ServerCost {
    var httpRequests = 0
    var fuseRequests = 0
    var switches = ContextSwitches()
    /// Pages of files that the kernel had given up and had to fetch again meanwhile, for whatever process.
    var refaultedPages = 0

    static func + (a: Self, b: Self) -> Self {
        Self(
            httpRequests: a.httpRequests + b.httpRequests, fuseRequests: a.fuseRequests + b.fuseRequests,
            switches: a.switches + b.switches,
            refaultedPages: a.refaultedPages + b.refaultedPages)
    }

    func perRequest(_ count: Int) -> Double {
        Double(count) / Double(httpRequests)
    }
}

/// One run of wrk. nginx has no cost: it does not tell.
struct Sample {
    var report: WrkReport
    var cost: ServerCost?
}

/// All runs of one series, a round at a time.
struct SeriesResult {
    let series: Series
    var banner: ServerfsBanner
    var rounds: [[Target: Sample]] = []
    /// Of serverfs, after its last run (VmRSS).
    var residentBytes = 0

    func samples(_ target: Target) -> [Sample] {
        rounds.compactMap { $0[target] }
    }

    func medianRequestsPerSecond(_ target: Target) -> Double {
        median(samples(target).map(\.report.requestsPerSecond))
    }

    func medianTransferBytesPerSecond(_ target: Target) -> Double {
        median(samples(target).map(\.report.transferBytesPerSecond))
    }

    /// Round by round, because the machine is not as fast in one round as in the next.
    func ratio(_ numerator: Target, to denominator: Target) -> Spread {
        Spread(
            zip(samples(numerator), samples(denominator)).map {
                $0.report.requestsPerSecond / $1.report.requestsPerSecond
            })
    }

    /// Over all rounds together.
    func cost(_ target: Target) -> ServerCost {
        samples(target).compactMap(\.cost).reduce(ServerCost(), +)
    }
}

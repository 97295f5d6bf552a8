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

/// One round of one target.
struct Sample {
    var requestsPerSecond: Double
    var transferBytesPerSecond: Double
    /// wrk's share of the processor time that it and serverfs took together; nil where that is not known, or does not say anything
    /// because processors were idle.
    ///
    /// The machine is not always equally fast, nor there for these two alone. But what wrk does for a request is the same, so this
    /// share tells what serverfs does for one, in proportion to that; and where the processors are always busy, the requests a
    /// second are in proportion to it. It varies much less than they do.
    var clientShare: Double?
    /// wrk's processor time for a request: whether that is the same, apart from the machine's speed.
    var clientNanosecondsPerRequest: Double?
    /// nginx has none: it does not tell.
    var cost: ServerCost?

    init(
        requestsPerSecond: Double, transferBytesPerSecond: Double, clientShare: Double? = nil,
        clientNanosecondsPerRequest: Double? = nil, cost: ServerCost? = nil
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.transferBytesPerSecond = transferBytesPerSecond
        self.clientShare = clientShare
        self.clientNanosecondsPerRequest = clientNanosecondsPerRequest
        self.cost = cost
    }

    func rate(_ rate: Rate) -> Double {
        switch rate {
        case .requests: requestsPerSecond
        case .requestsByProcessorTime: clientShare ?? .nan
        case .clientTime: clientNanosecondsPerRequest ?? .nan
        }
    }
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
        median(samples(target).map(\.requestsPerSecond))
    }

    func medianTransferBytesPerSecond(_ target: Target) -> Double {
        median(samples(target).map(\.transferBytesPerSecond))
    }

    /// Round by round, because the machine is not as fast in one round as in the next.
    func ratio(_ numerator: Target, to denominator: Target, of rate: Rate = .requests) -> Spread {
        Spread(zip(samples(numerator), samples(denominator)).map { $0.rate(rate) / $1.rate(rate) })
    }

    /// Over all rounds together.
    func cost(_ target: Target) -> ServerCost {
        samples(target).compactMap(\.cost).reduce(ServerCost(), +)
    }

    /// FUSE requests per HTTP request through the mount; those that came while the bypass was on are the mount's too.
    var fuseRequestsPerRequest: Double {
        let all = series.targets.map { cost($0).fuseRequests }.reduce(0, +)
        return cost(.mount).perRequest(all)
    }
}

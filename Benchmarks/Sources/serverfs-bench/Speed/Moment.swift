import Glibc

/// What there is at one moment while wrk runs.
struct Moment {
    let nanoseconds: Int
    let clientNanoseconds: Int
    let serverNanoseconds: Int
    let switches: ContextSwitches
    let refaultedPages: Int
    private let metricsText: String

    init(
        nanoseconds: Int, clientNanoseconds: Int, serverNanoseconds: Int, switches: ContextSwitches,
        refaultedPages: Int, metricsText: String
    ) {
        self.nanoseconds = nanoseconds
        self.clientNanoseconds = clientNanoseconds
        self.serverNanoseconds = serverNanoseconds
        self.switches = switches
        self.refaultedPages = refaultedPages
        self.metricsText = metricsText
    }
}

extension Moment {
    /// serverfs is asked first, and what it says is read later: the clocks are looked at together.
    init(_ server: ServerfsProcess, _ wrk: RunningWrk) throws {
        let metricsText = try server.metricsText()
        self.init(
            nanoseconds: ProcessFacts.nanoseconds(CLOCK_MONOTONIC), clientNanoseconds: wrk.processorNanoseconds,
            serverNanoseconds: ProcessFacts.processorNanoseconds(server.pid),
            switches: ContextSwitches(ofProcess: server.pid), refaultedPages: PageCache.refaultedPages,
            metricsText: metricsText)
    }

    var metrics: ServerfsMetrics { ServerfsMetrics(ofAdmin: metricsText) }
}

/// What happened between two moments in which a target was served, or in several such times together.
struct Stretch {
    private(set) var nanoseconds = 0
    private(set) var clientNanoseconds = 0
    private(set) var serverNanoseconds = 0
    private(set) var cost = ServerCost()

    /// Adds the time between two moments, if there were requests and all took one way.
    ///
    /// - Returns: why nothing is added; nil when it is.
    mutating func add(from before: Moment, until after: Moment, through way: Way) throws -> BenchFailure? {
        let (metricsBefore, metricsAfter) = (before.metrics, after.metrics)
        let other: Way = way == .mount ? .bypass : .mount
        let strayed = try metricsAfter.httpRequests(other) - metricsBefore.httpRequests(other)
        if strayed > 0 {
            return BenchFailure(.runFailed, "\(strayed) requests did not go through the \(way), as all should have")
        }
        let requests = try metricsAfter.httpRequests(way) - metricsBefore.httpRequests(way)
        guard requests > 0 else { return BenchFailure(.runFailed, "wrk makes no requests any more") }
        nanoseconds += after.nanoseconds - before.nanoseconds
        clientNanoseconds += after.clientNanoseconds - before.clientNanoseconds
        serverNanoseconds += after.serverNanoseconds - before.serverNanoseconds
        cost =
            cost
            + ServerCost(
                httpRequests: requests,
                fuseRequests: try metricsAfter.fuseRequests - metricsBefore.fuseRequests,
                switches: after.switches - before.switches,
                refaultedPages: after.refaultedPages - before.refaultedPages)
        return nil
    }

    /// Of the processors' time, what wrk and serverfs must take together, so that requests/s depend on it.
    private static let busyShareMin = 0.9

    /// - Parameters:
    ///   - bytesPerRequest: all that came over the connections for one.
    ///   - processors: how many there are.
    func sample(bytesPerRequest: Double, processors: Int) -> Sample {
        let seconds = Double(nanoseconds) / 1e9
        let rate = Double(cost.httpRequests) / seconds
        let both = Double(clientNanoseconds + serverNanoseconds)
        let isBusy = both >= Self.busyShareMin * Double(processors * nanoseconds)
        return Sample(
            requestsPerSecond: rate, transferBytesPerSecond: rate * bytesPerRequest,
            clientShare: isBusy ? Double(clientNanoseconds) / both : nil,
            clientNanosecondsPerRequest: Double(clientNanoseconds) / Double(cost.httpRequests), cost: cost)
    }
}

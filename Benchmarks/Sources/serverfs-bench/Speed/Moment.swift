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

    /// - Parameter way: which all requests must have taken.
    mutating func add(from before: Moment, until after: Moment, through way: Way) throws {
        let (metricsBefore, metricsAfter) = (before.metrics, after.metrics)
        let other: Way = way == .mount ? .bypass : .mount
        let strayed = try metricsAfter.httpRequests(other) - metricsBefore.httpRequests(other)
        guard strayed == 0 else {
            throw BenchFailure(.runFailed, "\(strayed) requests went through the \(other) that should not have")
        }
        nanoseconds += after.nanoseconds - before.nanoseconds
        clientNanoseconds += after.clientNanoseconds - before.clientNanoseconds
        serverNanoseconds += after.serverNanoseconds - before.serverNanoseconds
        cost =
            cost
            + ServerCost(
                httpRequests: try metricsAfter.httpRequests(way) - metricsBefore.httpRequests(way),
                fuseRequests: try metricsAfter.fuseRequests - metricsBefore.fuseRequests,
                switches: after.switches - before.switches,
                refaultedPages: after.refaultedPages - before.refaultedPages)
    }

    /// - Parameter bytesPerRequest: all that came over the connections for one.
    func sample(bytesPerRequest: Double) -> Sample {
        let seconds = Double(nanoseconds) / 1e9
        let rate = Double(cost.httpRequests) / seconds
        return Sample(
            requestsPerSecond: rate, transferBytesPerSecond: rate * bytesPerRequest,
            clientShare: Double(clientNanoseconds) / Double(clientNanoseconds + serverNanoseconds), cost: cost)
    }
}

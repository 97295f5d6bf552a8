import Glibc

/// What there is at one moment while wrk runs.
struct Moment {
    let nanoseconds: Int
    let clientProcessorNanoseconds: Int
    let switches: ContextSwitches
    let refaultedPages: Int
    private let metricsText: String

    init(
        nanoseconds: Int, clientProcessorNanoseconds: Int, switches: ContextSwitches, refaultedPages: Int,
        metricsText: String
    ) {
        self.nanoseconds = nanoseconds
        self.clientProcessorNanoseconds = clientProcessorNanoseconds
        self.switches = switches
        self.refaultedPages = refaultedPages
        self.metricsText = metricsText
    }
}

extension Moment {
    /// serverfs is asked first, and what it says is read later: the clock is looked at together with what wrk has taken.
    init(_ server: ServerfsProcess, _ wrk: RunningWrk) throws {
        let metricsText = try server.metricsText()
        let switches = ContextSwitches(ofProcess: server.pid)
        let refaultedPages = PageCache.refaultedPages
        let clientProcessorNanoseconds = wrk.processorNanoseconds
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        self.init(
            nanoseconds: now.tv_sec * 1_000_000_000 + now.tv_nsec,
            clientProcessorNanoseconds: clientProcessorNanoseconds, switches: switches,
            refaultedPages: refaultedPages, metricsText: metricsText)
    }

    var metrics: ServerfsMetrics { ServerfsMetrics(ofAdmin: metricsText) }
}

/// What happened between two moments in which a target was served, or in several such times together.
struct Stretch {
    private(set) var nanoseconds = 0
    private(set) var clientProcessorNanoseconds = 0
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
        clientProcessorNanoseconds += after.clientProcessorNanoseconds - before.clientProcessorNanoseconds
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
            load: Double(clientProcessorNanoseconds) / Double(nanoseconds), cost: cost)
    }
}

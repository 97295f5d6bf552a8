package import Telemetry

/// What a server did while a load kept its workers busy, all by the mount or all by the bypass. Sums over all requests.
package struct CostRun: Sendable {
    /// Event loops.
    package var workers: Int
    /// How long it was looked at.
    package var nanoseconds: UInt64
    package var requests: UInt64 = 0
    /// Requests that went the other way meanwhile: somebody has turned the bypass over.
    package var strayRequests: UInt64 = 0
    package var bodyBytes: UInt64 = 0
    package var phaseNanoseconds: [RequestPhase: UInt64] = [:]
    package var fuseRequests: [FuseOperation: UInt64] = [:]
    package var serviceNanoseconds: [FuseOperation: UInt64] = [:]
    package var replyNanoseconds: [FuseOperation: UInt64] = [:]
    /// Bytes of READ replies.
    package var readBytes: UInt64 = 0
    package var httpThreads = ThreadWork()
    package var fuseThreads = ThreadWork()
    /// What share of the machine's processors neither the server nor its load have used, but others.
    package var othersShare = 0.0

    package init(workers: Int, nanoseconds: UInt64) {
        self.workers = workers
        self.nanoseconds = nanoseconds
    }

    package var requestsPerSecond: Double { Double(requests) * 1e9 / Double(max(nanoseconds, 1)) }

    /// The time of a worker for each request, nanoseconds: as many workers as there are, all the time, divided by what they
    /// got done. With workers that always have a request at hand, it is what throughput is made of.
    package var workerNanoseconds: Double { perRequest(UInt64(workers) &* nanoseconds) }

    package func perRequest(_ sum: UInt64) -> Double { Double(sum) / Double(max(requests, 1)) }

    /// Nanoseconds a request.
    package func phase(_ phase: RequestPhase) -> Double { perRequest(phaseNanoseconds[phase] ?? 0) }

    /// All FUSE requests a request.
    package var fuseRequestsPerRequest: Double { perRequest(fuseRequests.values.reduce(0, &+)) }

    package var switchesPerRequest: Double { perRequest(httpThreads.switches &+ fuseThreads.switches) }
}

/// What threads of one kind have used.
package struct ThreadWork: Equatable, Sendable {
    package var voluntarySwitches: UInt64 = 0
    package var involuntarySwitches: UInt64 = 0
    package var processorNanoseconds: UInt64 = 0

    package init(voluntarySwitches: UInt64 = 0, involuntarySwitches: UInt64 = 0, processorNanoseconds: UInt64 = 0) {
        self.voluntarySwitches = voluntarySwitches
        self.involuntarySwitches = involuntarySwitches
        self.processorNanoseconds = processorNanoseconds
    }

    package var switches: UInt64 { voluntarySwitches &+ involuntarySwitches }

    static func - (a: ThreadWork, b: ThreadWork) -> ThreadWork {
        ThreadWork(
            voluntarySwitches: a.voluntarySwitches &- b.voluntarySwitches,
            involuntarySwitches: a.involuntarySwitches &- b.involuntarySwitches,
            processorNanoseconds: a.processorNanoseconds &- b.processorNanoseconds)
    }
}

import Platform

/// A request that took long, with where its time went.
package struct SlowRequest: Sendable {
    /// Counts slow requests, from 1 on.
    package var number: UInt64 = 0
    package let path: String
    package let servingPath: ServingPath
    /// 0 where the response was cut off while its thread was stuck.
    package let status: Int
    /// CLOCK_REALTIME of its end.
    package let endedUnixSeconds: Double
    package let timeline: RequestTimeline

    package init(
        path: String, servingPath: ServingPath, status: Int, endedUnixSeconds: Double, timeline: RequestTimeline
    ) {
        self.path = path
        self.servingPath = servingPath
        self.status = status
        self.endedUnixSeconds = endedUnixSeconds
        self.timeline = timeline
    }
}

/// The last slow requests, a bounded number of them. Any thread.
package final class SlowRequests: Sendable {
    /// What counts as slow.
    package static let thresholdNanoseconds: UInt64 = 10_000_000
    private static let capacity = 32

    private struct State {
        var requests: [SlowRequest] = []
        var count: UInt64 = 0
    }

    private let state = Guarded(State())

    package init() {}

    package func add(_ request: SlowRequest) {
        state.withLock { state in
            state.count += 1
            var request = request
            request.number = state.count
            if state.requests.count == Self.capacity { state.requests.removeFirst() }
            state.requests.append(request)
        }
    }

    /// The last ones, the latest first.
    package var latest: [SlowRequest] { state.withLock { $0.requests.reversed() } }

    /// How many there have been.
    package var count: UInt64 { state.withLock { $0.count } }
}

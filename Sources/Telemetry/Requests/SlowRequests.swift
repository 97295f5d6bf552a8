import Platform
import Synchronization

/// A request that took long, with where its time went.
package struct SlowRequest: Sendable {
    /// Counts slow requests, from 1 on.
    package let number: UInt64
    package let path: String
    package let servingPath: ServingPath
    /// 0 where the response was cut off while its thread was stuck.
    package let status: Int
    /// CLOCK_REALTIME of its end.
    package let endedUnixSeconds: Double
    package let timeline: RequestTimeline

    package init(
        number: UInt64, path: String, servingPath: ServingPath, status: Int, endedUnixSeconds: Double,
        timeline: RequestTimeline
    ) {
        self.number = number
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
    /// How many are kept in a second: where most requests are slow, keeping them all would make them slower.
    private static let keptMax = 100

    private struct State {
        /// A ring: the next one's place is `next`.
        var requests: [SlowRequest] = []
        var next = 0
    }

    private let state = Guarded(State())
    /// Atomic, relaxed: a counter.
    private let total = Atomic<UInt64>(0)
    /// The second that `kept` is of, and how many were kept in it. Atomic, relaxed; threads that meet here may keep a few more.
    private let second = Atomic<UInt64>(0)
    private let kept = Atomic<Int>(0)

    package init() {}

    /// Counts a slow request.
    ///
    /// - Parameter nanoseconds: CLOCK_MONOTONIC, its end.
    /// - Returns: its number, if it is to be added; nil when there have been enough in this second.
    package func count(at nanoseconds: UInt64) -> UInt64? {
        let number = total.wrappingAdd(1, ordering: .relaxed).newValue
        let present = nanoseconds / 1_000_000_000
        if second.load(ordering: .relaxed) != present {
            second.store(present, ordering: .relaxed)
            kept.store(0, ordering: .relaxed)
        }
        return kept.wrappingAdd(1, ordering: .relaxed).newValue <= Self.keptMax ? number : nil
    }

    /// Keeps a request that was counted.
    package func add(_ request: SlowRequest) {
        state.withLock { state in
            if state.requests.count < Self.capacity {
                state.requests.append(request)
            } else {
                state.requests[state.next] = request
            }
            state.next = (state.next + 1) % Self.capacity
        }
    }

    /// The last ones, the latest first.
    package var latest: [SlowRequest] {
        state.withLock { state in
            guard state.requests.count == Self.capacity else { return state.requests.reversed() }
            return (state.requests[state.next...] + state.requests[..<state.next]).reversed()
        }
    }

    /// How many there have been.
    package var count: UInt64 { total.load(ordering: .relaxed) }
}

/// Where the time of one HTTP request goes: phases without gaps, so that their sum is the request's latency. Of the thread that
/// has the connection.
package struct RequestTimeline: Sendable {
    /// CLOCK_MONOTONIC, when the event loop was told of the head's first byte; 0 where nothing is measured.
    package private(set) var firstByteNanoseconds: UInt64 = 0
    /// CLOCK_MONOTONIC, the end of the last phase.
    package private(set) var lastNanoseconds: UInt64 = 0
    private var phases = InlineArray<10, UInt64>(repeating: 0)
    /// Requests that its calls have made of the mount, so far.
    package var fuseRequests: UInt64 = 0
    package var fuseServiceNanoseconds: UInt64 = 0
    /// Of its thread while it worked on this request, where they are looked at; voluntary and involuntary.
    package var contextSwitches = ContextSwitches()
    /// The number by which a trace knows it; 0 when it is not traced.
    package var traceNumber: UInt64 = 0

    package init() {}

    package var isRunning: Bool { firstByteNanoseconds != 0 }
    package var latencyNanoseconds: UInt64 { lastNanoseconds &- firstByteNanoseconds }

    package subscript(_ phase: RequestPhase) -> UInt64 { phases[phase.rawValue] }

    /// What it has waited for calls that may enter the mount: `statx`, `open` and `read`, and of `send` what FUSE threads took.
    package var fileSystemNanoseconds: UInt64 { self[.statx] &+ self[.open] &+ self[.read] }

    /// A request begins whose first byte came at `firstByteNanoseconds`; until `nanoseconds` it was in the queue.
    package mutating func begin(firstByteNanoseconds: UInt64, nanoseconds: UInt64) {
        self = RequestTimeline()
        self.firstByteNanoseconds = firstByteNanoseconds
        lastNanoseconds = firstByteNanoseconds
        endPhase(.queue, nanoseconds: max(nanoseconds, firstByteNanoseconds))
    }

    /// What has passed since the last phase's end was this phase.
    package mutating func endPhase(_ phase: RequestPhase, nanoseconds: UInt64) {
        phases[phase.rawValue] &+= nanoseconds &- lastNanoseconds
        lastNanoseconds = nanoseconds
    }
}

/// Context switches of a thread (`getrusage(2)`, `ru_nvcsw` and `ru_nivcsw`).
package struct ContextSwitches: Sendable, Equatable {
    package var voluntary: UInt64 = 0
    package var involuntary: UInt64 = 0

    package init(voluntary: UInt64 = 0, involuntary: UInt64 = 0) {
        self.voluntary = voluntary
        self.involuntary = involuntary
    }
}

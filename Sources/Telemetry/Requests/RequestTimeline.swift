/// Where the time of one HTTP request goes: phases without gaps, so that their sum is the request's latency. Of the thread that
/// has the connection.
package struct RequestTimeline: Sendable {
    /// CLOCK_MONOTONIC, when the event loop was told of the head's first byte; 0 where nothing is measured.
    package private(set) var firstByteNanoseconds: UInt64 = 0
    /// CLOCK_MONOTONIC, the end of the last phase.
    package private(set) var lastNanoseconds: UInt64 = 0
    private var phases = InlineArray<11, UInt64>(repeating: 0)
    /// Requests that its calls have made of the mount, so far.
    package var fuseRequests: UInt64 = 0
    package var fuseServiceNanoseconds: UInt64 = 0
    /// Of its thread while it worked on this request, where they are looked at; voluntary and involuntary.
    package var contextSwitches = ContextSwitches()
    /// Whether the context switches are looked at.
    package var isSampled = false
    /// Whether it is written down when it is over: not where times are taken for a trace only.
    package var isRecorded = false
    /// The response's status code; 0 before there is one.
    package var status: UInt16 = 0
    /// Where its file is read; nil before that is known.
    package var servingPath: ServingPath?
    /// The number by which a trace knows it; 0 when it is not traced.
    package var traceNumber: UInt64 = 0
    /// The trace that it belongs to (`Tracer.current`); 0 for none.
    package var trace: UInt64 = 0

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
        endPhase(.queue, nanoseconds: nanoseconds)
    }

    /// What has passed since the last phase's end was this phase. A time before that end, of another thread's clock reading,
    /// counts as the end itself.
    package mutating func endPhase(_ phase: RequestPhase, nanoseconds: UInt64) {
        guard nanoseconds > lastNanoseconds else { return }
        phases[phase.rawValue] &+= nanoseconds &- lastNanoseconds
        lastNanoseconds = nanoseconds
    }

    /// Nothing is measured from here on.
    mutating func end() {
        firstByteNanoseconds = 0
        isSampled = false
        traceNumber = 0
    }

    /// Adds the time of each phase to `sums`.
    func addPhases(to sums: Counters<PhaseTime>, _ servingPath: ServingPath) {
        let first = servingPath.rawValue * phases.count
        let phases = phases.span
        for phase in phases.indices where phases[phase] > 0 {
            sums.add(PhaseTime(rawValue: first + phase), phases[phase])
        }
    }
}

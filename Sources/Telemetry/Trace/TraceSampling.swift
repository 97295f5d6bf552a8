import Glibc
import Platform

/// Keeps the number of traced requests to what the buffers hold.
struct TraceSampling {
    private let began: UInt64
    private let deadline: UInt64
    private var last: (nanoseconds: UInt64, spans: Int)?

    /// Spans of one HTTP request on its thread, at most, and of one FUSE request.
    private static let httpSpans: UInt64 = 14
    private static let fuseSpans: UInt64 = 4
    private static let sampleMicroseconds: UInt32 = 100_000
    /// As many spans of a thread as make a file that is opened in seconds; the rest of its buffer is for what was not expected.
    private static let spansWanted = SpanBuffer.capacity / 4
    /// The share of a buffer that may be used ahead of time.
    private static let burst = 0.05

    /// - Parameters:
    ///   - began: when the recording began, CLOCK_MONOTONIC.
    ///   - deadline: when it will end.
    init(began: UInt64, deadline: UInt64) {
        self.began = began
        self.deadline = deadline
    }

    /// From the requests of the next tenth of a second, as if one thread had them all.
    static func chosen(for measurements: Measurements, seconds: Double) -> UInt64 {
        let before = spans(measurements)
        usleep(sampleMicroseconds)
        let expected = Double(spans(measurements) &- before) * 1e6 / Double(sampleMicroseconds) * seconds
        return UInt64((expected / Double(spansWanted)).rounded(.up)).clamped(to: 1...1_000_000)
    }

    private static func spans(_ measurements: Measurements) -> UInt64 {
        let http = measurements.http[.mountRequests] &+ measurements.http[.bypassRequests]
        let fuse = FuseOperation.allCases.reduce(0) { $0 &+ measurements.fuse[FuseCounter($1)] }
        return max(http &* httpSpans, fuse &* fuseSpans)
    }

    /// Takes fewer requests from now on if the fullest buffer would not last until the end as it fills now.
    mutating func adapt(_ tracer: Tracer, trace: UInt64) {
        let now = Clock.monotonicNanoseconds
        let spans = tracer.fullest(trace: trace)
        defer { last = (now, spans) }
        guard let last, now > last.nanoseconds, now < deadline, spans > last.spans else { return }
        // A burst may use what the time before has left.
        let share = Double(now - began) / Double(deadline - began) + Self.burst
        guard Double(spans) > Double(SpanBuffer.capacity) * share else { return }
        let needed = Double(spans - last.spans) / Double(now - last.nanoseconds) * Double(deadline - now)
        let room = Double(max(SpanBuffer.capacity - spans, 1))
        guard needed > room * 1.1, SpanBuffer.capacity > spans else { return }
        tracer.thin(by: (needed / room).rounded(.up))
    }
}

extension Comparable {
    fileprivate func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}

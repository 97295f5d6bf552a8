public import Synchronization

/// Everything that is measured of one server: made once, handed to the parts that write into it, and read by whoever asks. Any
/// thread.
///
/// The type is public for the same reason as `Counters`: so that a look at `isTiming` is a load, and not a call.
public final class Measurements: Sendable {
    /// Atomic, relaxed: whoever measures a request reads it once, at its beginning or before.
    @usableFromInline let timing: Atomic<Bool>
    package let http = CounterGroup<HTTPCounter>()
    package let fuse = CounterGroup<FuseCounter>()
    /// What requests have spent their time on.
    package let phases = CounterGroup<PhaseTime>()
    package let fuseTimes = CounterGroup<FuseTime>()
    /// Of a request, from the first byte of its head to the last byte sent.
    package let requestLatency = LatencyGroup<ServingPath>()
    /// Of a FUSE request, from its receipt to the end of its reply.
    package let fuseLatency = LatencyGroup<FuseOperation>()
    /// Raised before the kernel is told of a change in the docroot, and after it: whoever has looked at a file meanwhile does not
    /// know what he has seen. Written by one thread at a time; any thread may read it.
    package let changesTold = Atomic<UInt64>(0)
    /// How often the kernel was told of a change.
    package var invalidations: UInt64 { changesTold.load(ordering: .relaxed) / 2 }
    package let slowRequests = SlowRequests()
    package let tracer = Tracer()

    package init(isTiming: Bool = true) { timing = Atomic(isTiming) }

    /// Whether times are taken now; counters count always (`--telemetry`, `PUT /telemetry`).
    @inlinable
    package var isTiming: Bool { timing.load(ordering: .relaxed) }

    /// Has times taken from now on, or not: of requests that begin then. What is under way is recorded as far as all of its time
    /// was taken, and else not at all.
    package func setTiming(_ isOn: Bool) { timing.store(isOn, ordering: .relaxed) }
}

/// Everything that is measured of one server: made once, handed to the parts that write into it, and read by whoever asks. Any
/// thread.
package final class Measurements: Sendable {
    /// Whether times are taken; counters count always (`--telemetry`).
    package let isTiming: Bool
    package let http = CounterGroup<HTTPCounter>()
    package let fuse = CounterGroup<FuseCounter>()
    /// What requests have spent their time on.
    package let phases = CounterGroup<PhaseTime>()
    package let fuseTimes = CounterGroup<FuseTime>()
    /// Of a request, from the first byte of its head to the last byte sent.
    package let requestLatency = LatencyGroup<ServingPath>()
    /// Of a FUSE request, from its receipt to the end of its reply.
    package let fuseLatency = LatencyGroup<FuseOperation>()
    package let slowRequests = SlowRequests()
    package let tracer = Tracer()

    package init(isTiming: Bool = true) { self.isTiming = isTiming }
}

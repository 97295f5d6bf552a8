/// Something that runs in the foreground until a signal ends it.
package protocol ForegroundService: Sendable {
    /// Turns the bypass over; nil when there is nothing to turn.
    func toggleBypass() -> Bool?
    /// All counters, in the Prometheus text format.
    var metricsText: String { get }
    /// A descriptor that is readable when it has ended by itself; nil when it does not.
    var endedDescriptor: CInt? { get }
    /// Ends in good order; false when something is stuck.
    func stop() -> Bool
    /// Leaves nothing behind, without waiting.
    func unmountAtOnce()
}

extension Server: ForegroundService {
    package var endedDescriptor: CInt? { nil }
}

extension StandaloneMount: ForegroundService {
    package func toggleBypass() -> Bool? { nil }

    /// There is nothing left to do when somebody has unmounted it.
    package var endedDescriptor: CInt? { mountEndedDescriptor }
}

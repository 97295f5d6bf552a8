/// Something that runs in the foreground until a signal ends it.
package protocol ForegroundService: Sendable {
    /// Turns the bypass over; nil when there is nothing to turn.
    func toggleBypass() -> Bool?
    /// All counters, in the Prometheus text format.
    var metricsText: String { get }
    /// A descriptor that is readable when it has ended by itself; nil when it does not.
    var endedDescriptor: CInt? { get }
    /// The exit status of a process that ends for that.
    var endedStatus: CInt { get }
    /// Ends in good order; false when something is stuck.
    func stop() -> Bool
    /// Leaves nothing behind, without waiting.
    func unmountAtOnce()
}

extension Server: ForegroundService {
    /// It was to serve, and cannot.
    package var endedStatus: CInt { 1 }
}

extension StandaloneMount: ForegroundService {
    package func toggleBypass() -> Bool? { nil }

    /// There is nothing left to do when somebody has unmounted it.
    package var endedDescriptor: CInt? { mountEndedDescriptor }

    package var endedStatus: CInt { 0 }
}

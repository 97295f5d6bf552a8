/// Something that runs in the foreground until a signal ends it.
package protocol ForegroundService: Sendable {
    /// Turns the bypass over; nil when there is nothing to turn.
    func toggleBypass() -> Bool?
    /// All counters, in the Prometheus text format.
    var metricsText: String { get }
    /// Ends in good order; false when something is stuck.
    func stop() -> Bool
    /// Leaves nothing behind, without waiting.
    func unmountAtOnce()
}

extension Server: ForegroundService {}

extension StandaloneMount: ForegroundService {
    package func toggleBypass() -> Bool? { nil }
}

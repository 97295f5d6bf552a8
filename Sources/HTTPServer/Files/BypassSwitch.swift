import Synchronization

/// Whether the `--listen` sockets read the docroot directly instead of through the mount. Any thread; a change holds from
/// the next request on, also on connections that are open.
package final class BypassSwitch: Sendable {
    private let state: Atomic<Bool>

    package init(isOn: Bool) { state = Atomic(isOn) }

    package var isOn: Bool { state.load(ordering: .relaxed) }

    /// Turns it over.
    ///
    /// - Returns: whether it is on now.
    @discardableResult
    package func toggle() -> Bool {
        !state.logicalXor(true, ordering: .relaxed).oldValue
    }

    /// Turns it on or off.
    package func set(_ isOn: Bool) { state.store(isOn, ordering: .relaxed) }
}

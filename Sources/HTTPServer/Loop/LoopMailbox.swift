import Platform

/// What other threads have for an event loop, until it looks. Any thread.
final class LoopMailbox: Sendable {
    /// A connection on its way from the thread that was stuck with it to the loop: it belongs to whoever takes it out.
    struct Returned: @unchecked Sendable {
        let connection: Connection
    }

    struct Content: Sendable {
        /// The mount to read from, from now on; nil within for none.
        var mount: MountRoot??
        /// Connections whose thread was stuck and is so no longer.
        var returned: [Returned] = []
    }

    private struct State: Sendable {
        var content = Content()
        var isClosed = false
    }

    private let state = Guarded(State())
    private let wakeUp: WakeUp

    /// - Parameter wakeUp: signalled when there is something.
    init(wakeUp: WakeUp) { self.wakeUp = wakeUp }

    func put(_ mount: MountRoot?) {
        state.withLock { $0.content.mount = .some(mount) }
        wakeUp.signal()
    }

    /// - Returns: false when the loop has ended: the connection is still the caller's.
    func put(_ returned: Returned) -> Bool {
        let isTaken = state.withLock { state in
            if state.isClosed { return false }
            state.content.returned.append(returned)
            return true
        }
        if isTaken { wakeUp.signal() }
        return isTaken
    }

    /// Takes everything out.
    ///
    /// - Parameter closes: whether nobody will look again.
    func take(closes: Bool = false) -> Content {
        state.withLock { state in
            defer { state.content = Content() }
            if closes { state.isClosed = true }
            return state.content
        }
    }
}

import Glibc
import Platform
import Telemetry

/// An event loop with the threads that have run it: one at a time, and another when that one is stuck. Any thread.
final class LoopHost: Sendable {
    let loop: EventLoop
    private let name: String
    private let measurements: Measurements
    private let members = Guarded(Members())
    /// Readable once the loop has ended.
    private let ended: WakeUp

    private struct Members {
        var threads: [(thread: NamedThread, state: LoopThread)] = []
        /// The one that runs the loop.
        var current: LoopThread?
    }

    init(_ loop: EventLoop, name: String, measurements: Measurements) throws(Errno) {
        self.loop = loop
        self.measurements = measurements
        self.name = name
        ended = try WakeUp()
    }

    /// Starts the loop's first thread.
    func start() throws(Errno) { try addThread(inPlaceOf: nil) }

    /// The running thread and the number of the call in which it may be waiting; nil when it is in none.
    var waiting: (thread: LoopThread, call: UInt64)? {
        guard let current = members.withLock({ $0.current }), let call = current.call.waiting else { return nil }
        return (current, call)
    }

    /// Starts another thread, which takes the loop over if the first is still in that call by then.
    ///
    /// - Throws: EAGAIN when the process may have no more threads.
    func addThread(inPlaceOf stuck: (thread: LoopThread, call: UInt64)?) throws(Errno) {
        let state = LoopThread(
            RequestMeter(measurements, threadName: name, samplesAll: loop.configuration.serverTiming))
        let thread = try NamedThread(name) { [self] in
            defer { state.hasEnded.store(true, ordering: .releasing) }
            if let stuck {
                guard stuck.thread.call.takeOver(in: stuck.call) else { return }
            }
            state.meter.enter()
            defer { state.meter.leave() }
            members.withLock { $0.current = state }
            if stuck == nil { loop.begin(on: state) } else { loop.adopt(on: state) }
            // Until it has ended, or this thread is stuck too and another has it.
            guard loop.run(on: state) else { return }
            members.withLock { $0.current = nil }
            ended.signal()
        }
        members.withLock { $0.threads.append((thread, state)) }
    }

    /// Joins the threads that have ended.
    ///
    /// - Returns: whether there are no others.
    @discardableResult
    func reap() -> Bool {
        let (gone, isEmpty) = members.withLock { members in
            let gone = members.threads.filter { $0.state.hasEnded.load(ordering: .acquiring) }
            if !gone.isEmpty { members.threads.removeAll { $0.state.hasEnded.load(ordering: .acquiring) } }
            return (gone.map(\.thread), members.threads.isEmpty)
        }
        for thread in gone { thread.join() }
        return isEmpty
    }

    /// Waits until the loop has ended, whichever threads are stuck.
    ///
    /// - Parameter deadlineNanoseconds: CLOCK_MONOTONIC.
    /// - Returns: whether it has.
    func waitUntilEnded(deadlineNanoseconds: UInt64) -> Bool {
        while true {
            let now = Clock.monotonicNanoseconds
            let rest = deadlineNanoseconds > now ? (deadlineNanoseconds - now) / 1_000_000 + 1 : 0
            var wait = pollfd(fd: ended.rawValue, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, CInt(clamping: rest)) == 1 { return true }
            if rest == 0 { return false }
        }
    }
}

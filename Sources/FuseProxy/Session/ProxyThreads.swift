import Glibc
import Platform
import Synchronization
import Telemetry

/// The FUSE threads of a session, `fuse-0` and so on: as many as were asked for answer, whichever of them are stuck.
///
/// A request for a file that the docroot does not give must not keep those for others waiting. So a thread that stays with
/// one request for a while is replaced by another; once it has answered, it ends. The thread `monitor-fuse` sees to it.
///
/// `start` and `join` are the life cycle's thread's.
final class ProxyThreads: Sendable {
    private unowned let session: ProxySession
    private let progress: FuseProgress?
    private let members = Guarded<[Member]>([])
    private let stopping: WakeUp
    private let monitor = Guarded<NamedThread?>(nil)
    /// Readable once the connection has ended.
    let ended: WakeUp

    private struct Member: Sendable {
        let thread: NamedThread
        let state: ProxyThread
        let index: Int
        /// The request that it was last seen to be busy with.
        var seenCall: UInt64?
    }

    private static let sampleMilliseconds: Int32 = 50

    /// - Parameter progress: where the threads count what they have answered.
    init(_ session: ProxySession, progress: FuseProgress?) throws(Errno) {
        self.session = session
        self.progress = progress
        stopping = try WakeUp()
        ended = try WakeUp()
    }

    /// - Throws: EAGAIN when the process may have no more threads; those already started go on until `join`.
    func start(count: Int) throws(Errno) {
        // The first thread takes the session's channel; each other gets one of its own.
        for index in 0..<count {
            let channel = index > 0 ? try session.transport.cloneChannel() : session.transport.sessionChannel!
            try add(index, channel, inPlaceOf: nil)
        }
        let started = try NamedThread("monitor-fuse") { [self] in replaceStuckThreads() }
        monitor.withLock { $0 = started }
    }

    private func add(
        _ index: Int, _ channel: FuseChannel, inPlaceOf stuck: (state: ProxyThread, call: UInt64)?
    ) throws(Errno) {
        let state = ProxyThread(
            session: session, name: Self.name(index), progress: progress?.counter(index), channel: channel)
        let thread: NamedThread
        do throws(Errno) {
            thread = try makeThread(index, state, inPlaceOf: stuck)
        } catch {
            state.retire()
            throw error
        }
        members.withLock { $0.append(Member(thread: thread, state: state, index: index)) }
    }

    private static func name(_ index: Int) -> String { "fuse-\(index)" }

    private func makeThread(
        _ index: Int, _ state: ProxyThread, inPlaceOf stuck: (state: ProxyThread, call: UInt64)?
    ) throws(Errno) -> NamedThread {
        let transport = session.transport
        return try NamedThread(Self.name(index)) { [self] in
            defer { state.hasEnded.store(true, ordering: .releasing) }
            if let stuck {
                guard stuck.state.call.takeOver(in: stuck.call) else { return }
            }
            state.bind()
            if transport.run(state) == .connectionEnded { ended.signal() }
        }
    }

    private func replaceStuckThreads() {
        var wait = pollfd(fd: stopping.rawValue, events: Int16(POLLIN), revents: 0)
        while poll(&wait, 1, Self.sampleMilliseconds) < 1 {
            _ = reap()
            let (stuck, free) = members.withLock { members in
                var stuck: [(state: ProxyThread, call: UInt64)] = []
                for index in members.indices {
                    let call = members[index].state.call.waiting
                    if let call, call == members[index].seenCall { stuck.append((members[index].state, call)) }
                    members[index].seenCall = call
                }
                let taken = Set(members.map(\.index))
                return (stuck, (0..<FuseProgress.threads).filter { !taken.contains($0) })
            }
            // With no number left, or no thread to be had, the next sample may bring one. On the channel of the one that is
            // stuck, which only has an answer to write: so there are never more channels than there were at the start.
            for (stuck, index) in zip(stuck, free) { try? add(index, stuck.state.heldChannel, inPlaceOf: stuck) }
        }
    }

    /// Joins the threads that have ended.
    ///
    /// - Returns: whether there are no others.
    private func reap() -> Bool {
        let (gone, isEmpty) = members.withLock { members in
            let gone = members.filter { $0.state.hasEnded.load(ordering: .acquiring) }
            if !gone.isEmpty {
                let numbers = Set(gone.map(\.index))
                members.removeAll { numbers.contains($0.index) }
            }
            return (gone, members.isEmpty)
        }
        for member in gone {
            member.thread.join()
            member.state.retire()
        }
        return isEmpty
    }

    /// Waits for the threads' end, after the session was told to exit. It may be called again.
    ///
    /// A thread that waits in `read` on /dev/fuse wakes when the file system is gone; where other processes keep it from
    /// going, a signal wakes it. The signal is repeated, because it may come just before the `read`.
    ///
    /// - Returns: whether all have ended.
    func join(withinSeconds seconds: UInt64) -> Bool {
        stopping.signal()
        monitor.withLock { $0.take() }?.join()
        let deadline = Clock.monotonicNanoseconds + seconds * 1_000_000_000
        var delayMicroseconds: UInt32 = 100
        while !reap() {
            for member in members.withLock({ $0 }) where !member.state.hasEnded.load(ordering: .acquiring) {
                member.thread.interrupt(with: Signals.interruption)
            }
            if Clock.monotonicNanoseconds > deadline { return false }
            usleep(delayMicroseconds)
            delayMicroseconds = min(delayMicroseconds * 2, 10_000)
        }
        return true
    }
}

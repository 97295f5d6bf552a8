import Glibc
import Platform
import Synchronization
import Telemetry

/// A trace that is being taken on a thread of its own, which writes it into a pipe.
final class TraceRecording: Sendable {
    /// Ends it early.
    let stopping: WakeUp
    /// Readable when the thread is at its end.
    let finished: WakeUp
    private let hasSucceeded = Atomic(false)
    private let thread = Guarded<NamedThread?>(nil)

    /// Whether all of the trace was written; once the pipe is at its end.
    var isComplete: Bool { hasSucceeded.load(ordering: .acquiring) }

    private init() throws(Errno) {
        stopping = try WakeUp()
        finished = try WakeUp()
    }

    /// Begins a trace.
    ///
    /// - Returns: it, and the pipe's end to read the trace from, which does not wait.
    static func start(
        _ recorder: TraceRecorder, seconds: Double, oneIn: UInt64?
    ) throws(Errno) -> (recording: TraceRecording, pipe: SharedDescriptor) {
        let recording = try TraceRecording()
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        let reading = SharedDescriptor(OwnedDescriptor(adopting: ends[0]))
        let writing = ends[1]
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        do throws(Errno) {
            let thread = try NamedThread("trace") {
                recording.run(recorder, seconds: seconds, oneIn: oneIn, to: OwnedDescriptor(adopting: writing))
            }
            recording.thread.withLock { $0 = thread }
        } catch {
            close(writing)
            throw error
        }
        return (recording, reading)
    }

    /// Waits for the thread, which has been told to end or is at its end.
    ///
    /// - Returns: whether it has ended.
    func join() -> Bool {
        var wait = pollfd(fd: finished.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Limits.traceEndMilliseconds) == 1 else { return false }
        thread.withLock { $0.take() }?.join()
        return true
    }

    private func run(
        _ recorder: TraceRecorder, seconds: Double, oneIn: UInt64?, to pipe: consuming OwnedDescriptor
    ) {
        do throws(TraceFailure) {
            try recorder.record(seconds: seconds, oneIn: oneIn, stopping: stopping, to: pipe.rawValue)
            hasSucceeded.store(true, ordering: .releasing)
        } catch {
            // Whoever asked for it sees that it is cut off.
        }
        pipe.close()
        finished.signal()
    }
}

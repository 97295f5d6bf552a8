import Platform
import Synchronization

/// Whether a trace is being taken, and of which requests: what the threads that record look at. Any thread.
package final class Tracer: Sendable {
    /// The number of the trace that is being taken; 0 for none. Atomic.
    private let number = Atomic<UInt64>(0)
    /// One in how many requests is traced. Atomic.
    private let sampling = Atomic<UInt64>(1)
    private let state = Guarded(State())

    private struct State {
        var buffers: [SpanBuffer] = []
        /// Of threads that have ended since the trace began; until it is written.
        var retired: [SpanBuffer] = []
        /// Spans of this trace in buffers that there was no room for among those.
        var droppedSpans: UInt64 = 0
        /// From a trace's begin until it is written.
        var isTaken = false
        var last: UInt64 = 0
    }

    /// Threads come and go while a mount is stuck; what more of them have recorded in one trace is let go, and counted.
    private static let retiredMax = 64

    package init() {}

    /// The number of the trace that is being taken; 0 for none: one relaxed load.
    @inline(__always)
    package var current: UInt64 { number.load(ordering: .relaxed) }

    /// One in how many HTTP requests of a thread is traced, and of those FUSE requests of a thread that no HTTP thread has made.
    package var oneIn: UInt64 { sampling.load(ordering: .relaxed) }

    /// A buffer for a thread that is going to start.
    package func makeBuffer(threadName: String) -> SpanBuffer {
        let buffer = SpanBuffer(threadName: threadName)
        state.withLock { $0.buffers.append(buffer) }
        return buffer
    }

    /// Lets go of the buffer of a thread that has ended, once a trace that is being taken is written.
    package func retire(_ buffer: SpanBuffer) {
        state.withLock { state in
            state.buffers.removeAll { $0 === buffer }
            let spans = buffer.count(trace: state.last)
            guard state.isTaken, spans > 0 else { return }
            if state.retired.count < Self.retiredMax {
                state.retired.append(buffer)
            } else {
                state.droppedSpans += UInt64(spans)
            }
        }
    }

    /// The buffers of all threads there are, and of those that have ended during the trace.
    package var buffers: [SpanBuffer] { state.withLock { $0.buffers + $0.retired } }

    /// Spans of this trace that went with their thread.
    var droppedSpans: UInt64 { state.withLock { $0.droppedSpans } }

    /// Whether a trace is being taken, or written.
    package var isTaken: Bool { state.withLock { $0.isTaken } }

    /// Begins a trace.
    ///
    /// - Returns: its number; nil when one is being taken already, or written.
    package func begin(oneIn: UInt64) -> UInt64? { claim() ? start(oneIn: oneIn) : nil }

    /// Keeps others from taking a trace, until `end`.
    ///
    /// - Returns: false when one is being taken already, or written.
    func claim() -> Bool {
        state.withLock { state in
            defer { state.isTaken = true }
            return !state.isTaken
        }
    }

    /// Starts the recording of the trace that was claimed.
    ///
    /// - Returns: its number.
    func start(oneIn: UInt64) -> UInt64 {
        state.withLock { state in
            state.last += 1
            sampling.store(max(oneIn, 1), ordering: .relaxed)
            number.store(state.last, ordering: .releasing)
            return state.last
        }
    }

    /// Traces only one in `factor` of the requests that it traces now.
    func thin(by factor: Double) {
        let oneIn = min(Double(oneIn) * factor, 1e9)
        sampling.store(UInt64(oneIn), ordering: .relaxed)
    }

    /// Ends the recording. A thread may still add a span that it has begun; what is recorded stays until `end`.
    package func stop() { number.store(0, ordering: .releasing) }

    /// Ends the trace: what it has recorded is gone, and another may begin.
    package func end() {
        stop()
        state.withLock { state in
            state.retired = []
            state.droppedSpans = 0
            state.isTaken = false
            for buffer in state.buffers { buffer.releaseMemory() }
        }
    }
}

import Glibc
package import Platform

/// Why there is no trace.
package enum TraceFailure: Error, Equatable {
    /// Another one is being taken.
    case isRecording
    /// It cannot be written where it was to go.
    case write(Errno)
}

/// Takes traces: a time line of what the threads do, in the Trace Event format, which ui.perfetto.dev and chrome://tracing
/// open. Any thread; one trace at a time.
package final class TraceRecorder: Sendable {
    private let measurements: Measurements

    package init(_ measurements: Measurements) { self.measurements = measurements }

    /// Takes a trace on the calling thread, and returns once it is written.
    ///
    /// - Parameters:
    ///   - seconds: how long requests are recorded. Writing comes on top.
    ///   - oneIn: one in how many HTTP requests of a thread is traced; nil to have it chosen from the present request rate, so
    ///     that the buffers suffice.
    ///   - stopping: ends the recording early when it becomes readable; what was recorded so far is written.
    ///   - descriptor: where the JSON goes.
    package func record(
        seconds: Double, oneIn: UInt64?, stopping: WakeUp?, to descriptor: CInt
    ) throws(TraceFailure) {
        let tracer = measurements.tracer
        guard tracer.begin(oneIn: oneIn ?? 1) != nil else { throw .isRecording }
        var wait = pollfd(fd: stopping?.rawValue ?? -1, events: Int16(POLLIN), revents: 0)
        _ = poll(&wait, 1, CInt(seconds * 1000))
        tracer.end()
        let text = Array("{\"traceEvents\":[]}\n".utf8)
        guard write(descriptor, text, text.count) == text.count else { throw .write(Errno(rawValue: errno)) }
    }
}

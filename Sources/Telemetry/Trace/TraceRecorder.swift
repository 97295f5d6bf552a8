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

    /// How long the kernel's records pile up before they are taken over.
    private static let drainMilliseconds: CInt = 20
    /// In between, threads that have been started are looked for.
    private static let threadsEvery: UInt64 = 5
    /// For requests that are under way when the recording ends.
    private static let graceMicroseconds: UInt32 = 20_000
    /// The longest recording.
    package static let secondsMax = 86_400.0

    /// Takes a trace on the calling thread, and returns once it is written.
    ///
    /// - Parameters:
    ///   - seconds: how long requests are recorded, at most a day. Writing comes on top.
    ///   - oneIn: one in how many HTTP requests of a thread is traced; nil to have it chosen from the present request rate, so
    ///     that the buffers suffice.
    ///   - endsWhenFull: whether the recording ends as soon as a thread's buffer is full. Otherwise what does not fit is dropped.
    ///   - started: is signalled once requests are recorded.
    ///   - stopping: ends the recording early when it becomes readable; what was recorded so far is written.
    ///   - descriptor: where the JSON goes.
    package func record(
        seconds: Double, oneIn: UInt64?, endsWhenFull: Bool = false, started: WakeUp? = nil, stopping: WakeUp?,
        to descriptor: CInt
    ) throws(TraceFailure) {
        let seconds = min(max(seconds, 0), Self.secondsMax)
        let tracer = measurements.tracer
        guard tracer.claim() else { throw .isRecording }
        defer { tracer.end() }
        // Before the threads start to record: what they wait for is to be seen from the first request on.
        let kernel = KernelEvents()
        kernel.addThreads(fuseThreads: tracer.threadIDs)
        let sampling = oneIn ?? TraceSampling.chosen(for: measurements, seconds: seconds)
        let trace = tracer.start(oneIn: sampling)
        started?.signal()
        let began = Clock.monotonicNanoseconds
        let beganUnixSeconds = Clock.unixSeconds
        let deadline = began + UInt64(seconds * 1e9)
        var adaptation = oneIn == nil ? TraceSampling(began: began, deadline: deadline) : nil
        var wait = pollfd(fd: stopping?.rawValue ?? -1, events: Int16(POLLIN), revents: 0)
        var turns: UInt64 = 0
        while true {
            let now = Clock.monotonicNanoseconds
            guard now < deadline else { break }
            let rest = CInt(clamping: (deadline - now) / 1_000_000 + 1)
            if poll(&wait, 1, min(rest, Self.drainMilliseconds)) > 0 { break }
            turns += 1
            if turns.isMultiple(of: Self.threadsEvery) { kernel.addThreads(fuseThreads: tracer.threadIDs) }
            kernel.drain()
            adaptation?.adapt(tracer, trace: trace)
            if endsWhenFull, kernel.isFull || tracer.fullest(trace: trace) == SpanBuffer.capacity { break }
        }
        tracer.stop()
        let ended = Clock.monotonicNanoseconds
        usleep(Self.graceMicroseconds)
        kernel.end()
        let recording = TraceRecording(tracer, trace: trace, kernel: kernel)
        let facts = TraceFacts(
            began: began, ended: ended, beganUnixSeconds: beganUnixSeconds, oneInAtBegin: sampling,
            oneInAtEnd: tracer.oneIn)
        var writer = TraceWriter(descriptor)
        do throws(Errno) {
            try writer.write(recording, facts)
        } catch {
            throw .write(error)
        }
    }
}

extension Tracer {
    /// The threads that record, by the kernel's ids.
    var threadIDs: Set<Int32> { Set(buffers.map { Int32(bitPattern: $0.threadID) }) }

    /// How many spans the fullest buffer holds.
    func fullest(trace number: UInt64) -> Int { buffers.map { $0.count(trace: number) }.max() ?? 0 }
}

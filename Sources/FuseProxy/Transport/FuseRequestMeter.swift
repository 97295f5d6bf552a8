import Platform
import Telemetry

/// Measures the requests of one FUSE thread, one at a time: whose they are, what they take, and while a trace is taken a span for
/// each part. The thread's own, but for `retire`.
///
/// A request costs three looks at the clock: received, reply begun, reply ended. Where neither times nor a trace are taken, none.
final class FuseRequestMeter {
    private let measurements: Measurements
    private let tracer: Tracer
    private let times: Counters<FuseTime>
    private let latencies: Latencies<FuseOperation>
    private let spans: SpanBuffer

    /// The HTTP thread that has made the request at hand; nil for all other threads.
    private var caller: FuseCaller?
    private var operation = FuseOperation.other
    private var opcode: UInt16 = 0
    private var unique: UInt64 = 0
    /// Whether its times are recorded: of what was switched on in the middle of it, they would be wrong.
    private var isRecorded = false
    /// The trace it is recorded in; 0 for none.
    private var trace: UInt64 = 0
    /// The traced HTTP request that has caused it; 0 for none.
    private var cause: UInt64 = 0
    /// CLOCK_MONOTONIC; 0 for what has not happened, or is not measured.
    private var receivedNanoseconds: UInt64 = 0
    private var replyBeganNanoseconds: UInt64 = 0
    private var replyEndedNanoseconds: UInt64 = 0
    /// Since when the thread has had nothing to do, when the request at hand came.
    private var idleSinceNanoseconds: UInt64 = 0
    /// Requests of no HTTP thread, of which one in so many is traced.
    private var otherRequests: UInt64 = 0

    init(_ measurements: Measurements, threadName: String) {
        self.measurements = measurements
        tracer = measurements.tracer
        times = measurements.fuseTimes.makeCounters()
        latencies = measurements.fuseLatency.makeLatencies()
        spans = measurements.tracer.makeBuffer(threadName: threadName)
    }

    /// The calling thread is the one whose requests are measured.
    func bind() { spans.bind() }

    /// A request was received.
    func begin(_ request: UnsafeRawBufferPointer, _ operation: FuseOperation) {
        trace = tracer.current
        isRecorded = measurements.isTiming
        receivedNanoseconds = isRecorded || trace != 0 ? Clock.monotonicNanoseconds : 0
        replyBeganNanoseconds = 0
        self.operation = operation
        // struct fuse_in_header: u32 length, u32 opcode, u64 unique, u64 nodeid, u32 uid, u32 gid, u32 pid …
        caller =
            request.count >= 40
            ? FuseCaller.find(threadID: request.loadUnaligned(fromByteOffset: 32, as: UInt32.self)) : nil
        caller?.countRequest()
        if trace != 0 { chooseWhetherToTrace(request) }
    }

    /// Its reply is about to be sent, by the first system call of perhaps several.
    func replyBegins() {
        guard receivedNanoseconds != 0, replyBeganNanoseconds == 0 else { return }
        replyBeganNanoseconds = Clock.monotonicNanoseconds
        // The caller looks as soon as it has the reply.
        caller?.addService(nanoseconds: replyBeganNanoseconds &- receivedNanoseconds)
    }

    /// A system call that sends its reply has returned.
    func replyEnded() {
        if receivedNanoseconds != 0 { replyEndedNanoseconds = Clock.monotonicNanoseconds }
    }

    /// The request is done with, whether it had a reply or none is due (FORGET, INTERRUPT).
    func end() {
        guard receivedNanoseconds != 0 else {
            idleSinceNanoseconds = 0
            return
        }
        if replyBeganNanoseconds == 0 {
            replyBeganNanoseconds = Clock.monotonicNanoseconds
            replyEndedNanoseconds = replyBeganNanoseconds
        }
        if isRecorded {
            times.add(FuseTime(operation, .service), replyBeganNanoseconds &- receivedNanoseconds)
            times.add(FuseTime(operation, .reply), replyEndedNanoseconds &- replyBeganNanoseconds)
            latencies[operation].record(nanoseconds: replyEndedNanoseconds &- receivedNanoseconds)
        }
        if trace != 0 { recordSpans() }
        idleSinceNanoseconds = replyEndedNanoseconds
    }

    /// Takes the thread out of what is measured, once it has ended. What was measured stays.
    func retire() {
        measurements.fuseTimes.retire(times)
        measurements.fuseLatency.retire(latencies)
        tracer.retire(spans)
    }

    private func chooseWhetherToTrace(_ request: UnsafeRawBufferPointer) {
        cause = caller?.request ?? 0
        if caller == nil {
            otherRequests &+= 1
            if !otherRequests.isMultiple(of: tracer.oneIn) { trace = 0 }
        } else if cause == 0 {
            // Of an HTTP request that is not traced.
            trace = 0
        }
        opcode = UInt16(truncatingIfNeeded: request.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        unique = request.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    /// In the order of their ends, as all spans of a thread.
    private func recordSpans() {
        func add(_ kind: SpanKind, _ start: UInt64, _ end: UInt64) {
            spans.add(
                Span(
                    kind, opcode: opcode, startNanoseconds: start, endNanoseconds: end, request: cause, detail: unique),
                trace: trace)
        }
        if idleSinceNanoseconds != 0 { add(.fuseIdle, idleSinceNanoseconds, receivedNanoseconds) }
        add(.fuseService, receivedNanoseconds, replyBeganNanoseconds)
        if replyEndedNanoseconds > replyBeganNanoseconds {
            add(.fuseReply, replyBeganNanoseconds, replyEndedNanoseconds)
        }
        add(.fuse, receivedNanoseconds, replyEndedNanoseconds)
    }
}

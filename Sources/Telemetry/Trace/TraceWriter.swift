import Glibc
import Platform

/// How a trace was taken.
struct TraceFacts {
    /// CLOCK_MONOTONIC.
    let began: UInt64
    let ended: UInt64
    let beganUnixSeconds: Int64
    let oneInAtBegin: UInt64
    let oneInAtEnd: UInt64
}

/// Writes a trace in the Trace Event format, one event a line: a track a thread, with slices for what it did and for when it was
/// off its processor; arrows from the HTTP phase to the FUSE request it waited for; and a track for each request, where its
/// waits, and for a FUSE request the parts of its way, lie side by side.
struct TraceWriter: ~Copyable {
    var out: JSONLines
    private let process = UInt64(getpid())
    /// What times are counted from.
    private(set) var origin: UInt64 = 0
    private var isFirst = true

    /// Slices of off-CPU time that are written whether or not a traced request is concerned: 45 MB.
    private static let pausesMax = 1 << 19

    init(_ descriptor: CInt) { out = JSONLines(descriptor) }

    mutating func write(_ recording: TraceRecording, _ facts: TraceFacts) throws(Errno) {
        origin = min(recording.firstNanoseconds ?? facts.began, facts.began)
        let pauses = Self.pauses(of: recording)
        out.raw("{\"displayTimeUnit\":\"ns\",\n\"otherData\":")
        writeFacts(recording, facts, pausesWritten: pauses.reduce(0) { $0 + $1.count })
        out.raw(",\n\"traceEvents\":[")
        writeNames(recording.threads)
        for (index, thread) in recording.threads.enumerated() {
            try writePauses(pauses[index], thread)
            try writeWork(thread)
        }
        for request in recording.requests { try writeRequest(request, recording) }
        for (index, request) in recording.fuseRequests.enumerated() {
            try writeFuse(request, UInt64(index + 1), recording.threads)
        }
        out.raw("\n]}\n")
        try out.flush()
    }

    /// The off-CPU time of each thread: all of it, or where that would be too much for anybody to open, what concerns requests that
    /// are traced.
    private static func pauses(of recording: TraceRecording) -> [[Pause]] {
        let count = recording.threads.reduce(0) { $0 + $1.pauses.count }
        guard count > pausesMax else { return recording.threads.map(\.pauses) }
        var room = pausesMax
        return recording.threads.map { thread in
            let pauses = thread.pausesWithinSpans.prefix(room)
            room -= pauses.count
            return Array(pauses)
        }
    }

    // MARK: - Threads

    private mutating func writeNames(_ threads: [RecordedThread]) {
        begin("M", "process_name", thread: process)
        out.raw(",\"args\":{\"name\":\"serverfs\"}}")
        for (index, thread) in threads.enumerated() {
            begin("M", "thread_name", thread: UInt64(thread.threadID))
            out.raw(",\"args\":{\"name\":")
            out.string(thread.name)
            out.raw("}}")
            begin("M", "thread_sort_index", thread: UInt64(thread.threadID))
            out.raw(",\"args\":{\"sort_index\":")
            out.number(UInt64(index))
            out.raw("}}")
        }
    }

    private mutating func writePauses(_ pauses: [Pause], _ thread: RecordedThread) throws(Errno) {
        for pause in pauses where pause.startNanoseconds >= origin {
            begin("X", pause.isPreempted ? "off CPU (preempted)" : "off CPU", thread: UInt64(thread.threadID))
            writeTimes(pause.startNanoseconds, pause.endNanoseconds)
            out.raw(",\"cat\":\"switch\"}")
            try out.flushIfLarge()
        }
    }

    /// What an HTTP thread did for requests. A work's span ends after those of its phases, and is to come before them.
    private mutating func writeWork(_ thread: RecordedThread) throws(Errno) {
        var phases: [Span] = []
        for span in thread.spans {
            switch span.kind {
            case .phase: phases.append(span)
            case .work:
                writeWork(span, thread)
                for phase in phases { writePhase(phase, thread) }
                phases.removeAll(keepingCapacity: true)
            default: break
            }
            try out.flushIfLarge()
        }
        for phase in phases { writePhase(phase, thread) }
    }

    private mutating func writeWork(_ span: Span, _ thread: RecordedThread) {
        begin("X", nil, thread: UInt64(thread.threadID))
        let path = thread.buffer?.text(span.detail) ?? ""
        out.string(path.isEmpty ? "request" : path)
        writeTimes(span.startNanoseconds, span.endNanoseconds)
        out.raw(",\"cat\":\"http\",\"args\":{\"request\":")
        out.number(span.request)
        out.raw("}}")
    }

    private mutating func writePhase(_ span: Span, _ thread: RecordedThread) {
        guard let phase = span.phase else { return }
        begin("X", nil, thread: UInt64(thread.threadID))
        out.string(phase.name)
        writeTimes(span.startNanoseconds, span.endNanoseconds)
        out.raw(",\"cat\":\"phase\",\"args\":{\"request\":")
        out.number(span.request)
        out.raw("}}")
    }

    // MARK: - Requests

    private mutating func writeRequest(_ span: Span, _ recording: TraceRecording) throws(Errno) {
        beginAsync("b", "HTTP request", "request", span.request, span.startNanoseconds)
        out.raw(",\"args\":{\"status\":")
        out.number(span.detail & 0xffff_ffff)
        out.raw(span.detail >> 32 & 1 == 1 ? ",\"via\":\"mount\"}}" : ",\"via\":\"bypass\"}}")
        let waits = (recording.waits[span.request] ?? []).sorted { $0.startNanoseconds < $1.startNanoseconds }
        for wait in waits {
            beginAsync("b", nil, "request", span.request, wait.startNanoseconds, name: wait.phase?.name ?? "")
            out.raw("}")
            beginAsync("e", nil, "request", span.request, wait.endNanoseconds, name: wait.phase?.name ?? "")
            out.raw("}")
        }
        beginAsync("e", "HTTP request", "request", span.request, span.endNanoseconds)
        out.raw("}")
        try out.flushIfLarge()
    }

    private mutating func writeFuse(
        _ request: RecordedFuseRequest, _ number: UInt64, _ threads: [RecordedThread]
    ) throws(Errno) {
        writeFuseSlices(request, number, thread: UInt64(threads[request.thread].threadID))
        let name = FuseOperation.name(opcode: request.opcode)
        beginAsync("b", nil, "fuse-request", number, request.startNanoseconds, name: name)
        out.raw(",\"args\":")
        writeArguments(request, number)
        out.raw("}")
        for part in request.parts {
            beginAsync("b", part.name, "fuse-request", number, part.startNanoseconds)
            out.raw("}")
            beginAsync("e", part.name, "fuse-request", number, part.endNanoseconds)
            out.raw("}")
        }
        beginAsync("e", nil, "fuse-request", number, request.endNanoseconds, name: name)
        out.raw("}")
        if let causing = request.causingThread, let cause = request.causingSpan {
            // While the thread still ran: from the moment it was sent, or else from the beginning of what it was at.
            let from = request.sentNanoseconds ?? cause.startNanoseconds
            writeArrow("s", number, thread: UInt64(threads[causing].threadID), from)
            writeArrow("f", number, thread: UInt64(threads[request.thread].threadID), request.receivedNanoseconds)
        }
        try out.flushIfLarge()
    }

    /// On the FUSE thread's track: the wait for it, and the request with service and reply within.
    private mutating func writeFuseSlices(_ request: RecordedFuseRequest, _ number: UInt64, thread: UInt64) {
        if let idle = request.idleSinceNanoseconds, request.receivedNanoseconds > origin {
            begin("X", "idle", thread: thread)
            writeTimes(max(idle, origin), request.receivedNanoseconds)
            out.raw(",\"cat\":\"fuse-idle\"}")
        }
        begin("X", nil, thread: thread)
        out.string(FuseOperation.name(opcode: request.opcode))
        writeTimes(request.receivedNanoseconds, request.endedNanoseconds)
        out.raw(",\"cat\":\"fuse\",\"args\":")
        writeArguments(request, number)
        out.raw("}")
        begin("X", "service", thread: thread)
        writeTimes(request.receivedNanoseconds, request.replyBeganNanoseconds)
        out.raw(",\"cat\":\"fuse-part\"}")
        guard request.endedNanoseconds > request.replyBeganNanoseconds else { return }
        begin("X", "reply", thread: thread)
        writeTimes(request.replyBeganNanoseconds, request.endedNanoseconds)
        out.raw(",\"cat\":\"fuse-part\"}")
    }

    private mutating func writeArguments(_ request: RecordedFuseRequest, _ number: UInt64) {
        out.raw("{\"number\":")
        out.number(number)
        out.raw(",\"unique\":")
        out.number(request.unique)
        if request.cause != 0 {
            out.raw(",\"request\":")
            out.number(request.cause)
        }
        out.raw("}")
    }

    // MARK: - Events

    /// A comma, and an event's beginning up to its name, which is left to the caller when it is nil.
    private mutating func begin(_ type: StaticString, _ name: StaticString?, thread: UInt64) {
        out.raw(isFirst ? "\n{\"ph\":\"" : ",\n{\"ph\":\"")
        isFirst = false
        out.raw(type)
        out.raw("\",\"pid\":")
        out.number(process)
        out.raw(",\"tid\":")
        out.number(thread)
        out.raw(",\"name\":")
        guard let name else { return }
        out.raw("\"")
        out.raw(name)
        out.raw("\"")
    }

    private mutating func beginAsync(
        _ type: StaticString, _ literal: StaticString?, _ category: StaticString, _ number: UInt64,
        _ nanoseconds: UInt64, name: String = ""
    ) {
        begin(type, literal, thread: process)
        if literal == nil { out.string(name) }
        out.raw(",\"cat\":\"")
        out.raw(category)
        out.raw("\",\"id\":\"")
        out.number(number)
        out.raw("\",\"ts\":")
        out.microseconds(nanoseconds &- origin)
    }

    private mutating func writeArrow(_ type: StaticString, _ number: UInt64, thread: UInt64, _ nanoseconds: UInt64) {
        begin(type, "waits for", thread: thread)
        out.raw(",\"cat\":\"cause\",\"bp\":\"e\",\"id\":\"")
        out.number(number)
        out.raw("\",\"ts\":")
        out.microseconds(nanoseconds - origin)
        out.raw("}")
    }

    private mutating func writeTimes(_ start: UInt64, _ end: UInt64) {
        out.raw(",\"ts\":")
        let start = max(start, origin)
        out.microseconds(start - origin)
        out.raw(",\"dur\":")
        out.microseconds(end - start)
    }
}

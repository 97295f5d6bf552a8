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
/// off its processor; arrows from where a thread sends a FUSE request to that request; and a track for each request, where its
/// waits, and for a FUSE request the parts of its way, lie side by side.
///
/// Perfetto shows the threads of a process in the order of their ids, and looks no further: so the threads are numbered in the
/// order in which they are to be shown, and the kernel's ids are said beside.
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
        for index in recording.threads.indices {
            try writePauses(pauses[index], thread: number(ofThread: index))
            try writeWork(index, recording)
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

    /// The number that a thread has in the file; that of the process is left to the requests.
    func number(ofThread index: Int) -> UInt64 {
        let number = UInt64(index + 1)
        return number < process ? number : number + 1
    }

    private mutating func writeNames(_ threads: [RecordedThread]) {
        begin("M", "process_name", thread: process)
        out.raw(",\"args\":{\"name\":\"serverfs\"}}")
        for (index, thread) in threads.enumerated() {
            writeName(thread.name, thread: number(ofThread: index), place: index)
        }
        writeName("requests", thread: process, place: threads.count)
    }

    /// - Parameter place: in chrome://tracing.
    private mutating func writeName(_ name: String, thread: UInt64, place: Int) {
        begin("M", "thread_name", thread: thread)
        out.raw(",\"args\":{\"name\":")
        out.string(name)
        out.raw("}}")
        begin("M", "thread_sort_index", thread: thread)
        out.raw(",\"args\":{\"sort_index\":")
        out.number(UInt64(place))
        out.raw("}}")
    }

    private mutating func writePauses(_ pauses: [Pause], thread: UInt64) throws(Errno) {
        for pause in pauses where pause.startNanoseconds >= origin {
            begin("X", pause.isPreempted ? "off CPU (preempted)" : "off CPU", thread: thread)
            writeTimes(pause.startNanoseconds, pause.endNanoseconds)
            out.raw(",\"cat\":\"switch\"}")
            try out.flushIfLarge()
        }
    }

    /// What an HTTP thread did for requests. A work's span ends after those of its phases, and is to come before them.
    private mutating func writeWork(_ index: Int, _ recording: TraceRecording) throws(Errno) {
        let thread = number(ofThread: index)
        var phases: [Span] = []
        for span in recording.threads[index].spans {
            switch span.kind {
            case .phase: phases.append(span)
            case .work:
                let path = recording.threads[index].buffer?.text(span.detail) ?? ""
                begin("X", nil, thread: thread)
                out.string(path.isEmpty ? "request" : path)
                writeTimes(span.startNanoseconds, span.endNanoseconds)
                out.raw(",\"cat\":\"http\",\"args\":")
                writeArguments(ofRequest: span.request, recording)
                out.raw("}")
                for phase in phases { writePhase(phase, thread: thread) }
                phases.removeAll(keepingCapacity: true)
            default: break
            }
            try out.flushIfLarge()
        }
        for phase in phases { writePhase(phase, thread: thread) }
    }

    private mutating func writePhase(_ span: Span, thread: UInt64) {
        guard let phase = span.phase else { return }
        begin("X", nil, thread: thread)
        out.string(phase.name)
        writeTimes(span.startNanoseconds, span.endNanoseconds)
        out.raw(",\"cat\":\"phase\",\"args\":{\"request\":")
        out.number(span.request)
        out.raw("}}")
    }

    // MARK: - Events

    /// A comma, and an event's beginning up to its name, which is left to the caller when it is nil.
    mutating func begin(_ type: StaticString, _ name: StaticString?, thread: UInt64) {
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

    mutating func beginAsync(
        _ type: StaticString, _ literal: StaticString?, _ category: StaticString, _ number: UInt64,
        _ nanoseconds: UInt64, name: String = ""
    ) {
        begin(type, literal, thread: process)
        if literal == nil { out.string(name) }
        out.raw(",\"cat\":\"")
        out.raw(category)
        // One that is the process's own: the track is shown among its others.
        out.raw("\",\"id2\":{\"local\":\"")
        out.number(number)
        out.raw("\"},\"ts\":")
        out.microseconds(nanoseconds &- origin)
    }

    mutating func writeTimes(_ start: UInt64, _ end: UInt64) {
        out.raw(",\"ts\":")
        let start = max(start, origin)
        out.microseconds(start - origin)
        out.raw(",\"dur\":")
        out.microseconds(end - start)
    }
}

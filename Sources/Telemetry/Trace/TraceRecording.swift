import Platform

/// All that one trace has recorded, put in order: what each thread did, and what became of each FUSE request.
struct TraceRecording {
    let threads: [RecordedThread]
    let fuseRequests: [RecordedFuseRequest]
    /// HTTP requests, from first byte to last.
    let requests: [Span]
    /// Phases in which a request's thread did something else, by the request.
    let waits: [UInt64: [Span]]
    /// The same requests by their number, and how many FUSE requests each has caused.
    let whole: [UInt64: Span]
    let fuseRequestCounts: [UInt64: UInt64]
    private let paths: [UInt64: (thread: Int, detail: UInt64)]
    let kernel: KernelEvents
    let droppedSpans: UInt64

    init(_ tracer: Tracer, trace: UInt64, kernel: KernelEvents) {
        self.kernel = kernel
        var threads: [RecordedThread] = []
        var requests: [Span] = []
        var waits: [UInt64: [Span]] = [:]
        var dropped = tracer.droppedSpans
        var seen: Set<Int32> = []
        for buffer in tracer.buffers where buffer.threadID != 0 {
            let thread = Int32(bitPattern: buffer.threadID)
            let (spans, lost) = buffer.spans(trace: trace)
            dropped += lost
            seen.insert(thread)
            threads.append(
                RecordedThread(
                    threadID: thread, name: buffer.threadName, buffer: buffer,
                    spans: spans.filter { $0.isOnThread }, switches: kernel.switches[thread] ?? ThreadSwitches()))
            for span in spans where !span.isOnThread {
                if span.kind == .request {
                    requests.append(span)
                } else {
                    waits[span.request, default: []].append(span)
                }
            }
        }
        for (thread, switches) in kernel.switches where !seen.contains(thread) {
            threads.append(
                RecordedThread(
                    threadID: thread, name: kernel.names[thread] ?? "thread \(thread)", buffer: nil, spans: [],
                    switches: switches))
        }
        // In the order in which they are shown: the event loops first, then the FUSE threads, then those that record nothing.
        func place(_ thread: RecordedThread) -> Int { thread.buffer == nil ? 2 : thread.isFuse ? 1 : 0 }
        threads.sort { (place($0), $0.name, $0.threadID) < (place($1), $1.name, $1.threadID) }
        self.threads = threads
        self.requests = requests
        self.waits = waits
        droppedSpans = dropped
        fuseRequests = RecordedFuseRequest.all(in: threads, events: kernel.fuse)
        whole = Dictionary(requests.map { ($0.request, $0) }) { $1 }
        fuseRequestCounts = Dictionary(
            fuseRequests.lazy.filter { $0.cause != 0 }.map { ($0.cause, 1) }, uniquingKeysWith: +)
        var paths: [UInt64: (thread: Int, detail: UInt64)] = [:]
        for (index, thread) in threads.enumerated() {
            for work in thread.works where work.detail != 0 { paths[work.request] = (index, work.detail) }
        }
        self.paths = paths
    }

    /// The path of an HTTP request, as far as it was kept.
    func path(of request: UInt64) -> String? {
        paths[request].flatMap { threads[$0.thread].buffer?.text($0.detail) }
    }

    /// The first moment there is anything of, but for the idle time before: times are counted from then.
    var firstNanoseconds: UInt64? {
        var first: UInt64?
        func note(_ nanoseconds: UInt64) { first = min(first ?? .max, nanoseconds) }
        for thread in threads {
            for span in thread.spans where span.kind != .fuseIdle { note(span.startNanoseconds) }
        }
        for request in requests { note(request.startNanoseconds) }
        for span in waits.values.joined() { note(span.startNanoseconds) }
        for request in fuseRequests { note(request.sentNanoseconds ?? request.receivedNanoseconds) }
        return first
    }
}

/// What one thread did.
struct RecordedThread {
    let threadID: Int32
    let name: String
    /// nil for threads of which only the kernel tells.
    let buffer: SpanBuffer?
    /// In the order in which they ended.
    let spans: [Span]
    let voluntarySwitches: UInt64
    let involuntarySwitches: UInt64
    /// When it was off its processor, in the order of time.
    let pauses: [Pause]
    /// Its work on HTTP requests, and the phases of that, in the order of time.
    let works: [Span]
    let phases: [Span]

    init(threadID: Int32, name: String, buffer: SpanBuffer?, spans: [Span], switches: ThreadSwitches) {
        self.threadID = threadID
        self.name = name
        self.buffer = buffer
        self.spans = spans
        voluntarySwitches = switches.voluntary
        involuntarySwitches = switches.involuntary
        pauses = switches.pauses
        works = spans.filter { $0.kind == .work }.sorted { $0.startNanoseconds < $1.startNanoseconds }
        phases = spans.filter { $0.kind == .phase }.sorted { $0.startNanoseconds < $1.startNanoseconds }
    }

    /// Whether it serves FUSE requests: by its name, for it may have had none.
    var isFuse: Bool { name.hasPrefix("fuse") }

    /// What it was at at a moment: a phase, or work outside of one; nil when nothing is recorded.
    func work(at nanoseconds: UInt64) -> Span? {
        for spans in [phases, works] {
            let index = spans.partitioningIndex { $0.startNanoseconds > nanoseconds }
            if index > 0, spans[index - 1].endNanoseconds >= nanoseconds { return spans[index - 1] }
        }
        return nil
    }

    /// What it did for a request at a moment, or else last before.
    func work(of request: UInt64, at nanoseconds: UInt64) -> Span? {
        if let work = work(at: nanoseconds), work.request == request { return work }
        let index = phases.partitioningIndex { $0.startNanoseconds > nanoseconds }
        return phases[..<index].suffix(Self.phasesMax).last { $0.request == request }
            ?? works.first { $0.request == request }
    }

    /// Phases of a request, and more.
    private static let phasesMax = 32

    /// When it was off its processor within what it has recorded.
    var pausesWithinSpans: [Pause] {
        var within: [Pause] = []
        var index = 0
        // Of several that begin together, or overlap, any will do.
        for span in spans.sorted(by: { $0.startNanoseconds < $1.startNanoseconds }) {
            while index < pauses.count, pauses[index].endNanoseconds <= span.startNanoseconds { index += 1 }
            while index < pauses.count, pauses[index].startNanoseconds < span.endNanoseconds {
                within.append(pauses[index])
                index += 1
            }
        }
        return within
    }

    /// When it was off its processor at a moment, or next after it.
    func pause(atOrAfter nanoseconds: UInt64) -> Pause? {
        let index = pauses.partitioningIndex { $0.endNanoseconds > nanoseconds }
        return index < pauses.count ? pauses[index] : nil
    }

    /// When it was off its processor at a moment.
    func pause(at nanoseconds: UInt64) -> Pause? {
        let index = pauses.partitioningIndex { $0.startNanoseconds > nanoseconds }
        guard index > 0, pauses[index - 1].endNanoseconds > nanoseconds else { return nil }
        return pauses[index - 1]
    }
}

extension Span {
    /// Whether its thread did this and nothing else meanwhile: a request waits in the queue, or for its client, while its thread
    /// works on others.
    var isOnThread: Bool {
        switch kind {
        case .request: false
        case .phase: phase != .queue && phase != .wait
        case .work, .fuse, .fuseService, .fuseReply, .fuseIdle: true
        }
    }

    /// Of a phase.
    var phase: RequestPhase? { RequestPhase(rawValue: Int(truncatingIfNeeded: detail)) }
}

extension Array {
    /// The first index whose element, and all behind it, `belongs`; the others come first.
    func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// A FUSE request with all that is known of its way: to the FUSE thread, there, and back.
struct RecordedFuseRequest {
    let unique: UInt64
    let opcode: UInt16
    /// Of the FUSE thread, in `TraceRecording.threads`.
    let thread: Int
    let idleSinceNanoseconds: UInt64?
    let receivedNanoseconds: UInt64
    let replyBeganNanoseconds: UInt64
    /// When the reply's system call returned.
    let endedNanoseconds: UInt64
    /// The traced HTTP request that it belongs to; 0 for none.
    private(set) var cause: UInt64

    /// When it was sent, if the kernel has told: `fuse_request_send`.
    private(set) var sentNanoseconds: UInt64?
    /// When its reply was taken: `fuse_request_end`.
    private(set) var answeredNanoseconds: UInt64?
    /// When who had waited for it ran again; nil when nobody slept.
    private(set) var resumedNanoseconds: UInt64?
    /// The HTTP thread that has sent it, in `TraceRecording.threads`, and what that was at: a phase of a request, or what is done
    /// for it behind its last phase.
    private(set) var causingThread: Int?
    private(set) var causingSpan: Span?
    /// What that thread did for it before it slept, sent the next one, or the request was received: nothing of any length where the
    /// kernel does not tell when it was sent.
    private(set) var sending: (startNanoseconds: UInt64, endNanoseconds: UInt64)?

    /// One stretch of its way; each begins where the one before ends.
    struct Part {
        let name: StaticString
        let startNanoseconds: UInt64
        let endNanoseconds: UInt64
    }

    var startNanoseconds: UInt64 { sentNanoseconds ?? receivedNanoseconds }
    var endNanoseconds: UInt64 { resumedNanoseconds ?? answeredNanoseconds ?? endedNanoseconds }

    /// What its time went to, without gaps.
    var parts: [Part] {
        var parts: [Part] = []
        var last = startNanoseconds
        func add(_ name: StaticString, until nanoseconds: UInt64) {
            guard nanoseconds > last else { return }
            parts.append(Part(name: name, startNanoseconds: last, endNanoseconds: nanoseconds))
            last = nanoseconds
        }
        if sentNanoseconds != nil {
            // The thread that has taken it was busy with others until then.
            if let idleSinceNanoseconds {
                add("kernel queue", until: min(idleSinceNanoseconds, receivedNanoseconds))
                add("wake-up of the daemon", until: receivedNanoseconds)
            } else {
                add("kernel queue and wake-up of the daemon", until: receivedNanoseconds)
            }
        }
        add("service", until: replyBeganNanoseconds)
        add("reply", until: answeredNanoseconds ?? endedNanoseconds)
        if let resumedNanoseconds { add("wake-up of the caller", until: resumedNanoseconds) }
        return parts
    }

    /// Whether the kernel makes its caller wait: not for FORGET, RELEASE, RELEASEDIR, INTERRUPT and BATCH_FORGET.
    var isAwaited: Bool { ![2, 18, 29, 36, 42].contains(opcode) }

    /// The FUSE requests that FUSE threads have recorded, each with what the kernel has told of it.
    static func all(in threads: [RecordedThread], events: [FuseEvent]) -> [RecordedFuseRequest] {
        var requests: [RecordedFuseRequest] = []
        for (index, thread) in threads.enumerated() { requests += recorded(by: thread, index) }
        requests.join(events, threads)
        let threadOfRequest = threads.threadsOfRequests
        for index in requests.indices { requests[index].findCause(threads, threadOfRequest) }
        requests.findSendings(threads)
        return requests
    }

    /// A FUSE thread's spans are idle, service, reply, and the whole, request by request.
    private static func recorded(by thread: RecordedThread, _ index: Int) -> [RecordedFuseRequest] {
        var requests: [RecordedFuseRequest] = []
        var idle: Span?
        var service: Span?
        for span in thread.spans {
            switch span.kind {
            case .fuseIdle: idle = span
            case .fuseService: service = span
            case .fuse:
                if let service, service.startNanoseconds == span.startNanoseconds {
                    requests.append(
                        RecordedFuseRequest(
                            unique: span.detail, opcode: span.opcode, thread: index,
                            idleSinceNanoseconds: idle.flatMap {
                                $0.endNanoseconds == span.startNanoseconds ? $0.startNanoseconds : nil
                            }, receivedNanoseconds: span.startNanoseconds,
                            replyBeganNanoseconds: service.endNanoseconds, endedNanoseconds: span.endNanoseconds,
                            cause: span.request))
                }
                (idle, service) = (nil, nil)
            case .fuseReply, .work, .phase, .request: break
            }
        }
        return requests
    }

    private init(
        unique: UInt64, opcode: UInt16, thread: Int, idleSinceNanoseconds: UInt64?, receivedNanoseconds: UInt64,
        replyBeganNanoseconds: UInt64, endedNanoseconds: UInt64, cause: UInt64
    ) {
        self.unique = unique
        self.opcode = opcode
        self.thread = thread
        self.idleSinceNanoseconds = idleSinceNanoseconds
        self.receivedNanoseconds = receivedNanoseconds
        self.replyBeganNanoseconds = replyBeganNanoseconds
        self.endedNanoseconds = endedNanoseconds
        self.cause = cause
    }

    /// Takes over a tracepoint of a request of this number. Another mount's requests may have the same numbers: of several, the
    /// last one sent before the receipt, and the first answer after the reply began.
    fileprivate mutating func add(_ event: FuseEvent, thread: Int?) {
        if event.isEnd {
            guard event.nanoseconds >= replyBeganNanoseconds, event.nanoseconds <= endedNanoseconds else { return }
            answeredNanoseconds = event.nanoseconds
        } else {
            guard event.nanoseconds <= receivedNanoseconds, event.nanoseconds >= sentNanoseconds ?? 0 else { return }
            sentNanoseconds = event.nanoseconds
            causingThread = thread
        }
    }

    /// Finds what waits for it: by the thread and the time it was sent, where the kernel tells them, or else by what the FUSE
    /// thread has found out of its caller.
    fileprivate mutating func findCause(_ threads: [RecordedThread], _ threadOfRequest: [UInt64: Int]) {
        if let thread = causingThread, let sentNanoseconds {
            causingSpan = threads[thread].work(at: sentNanoseconds)
        }
        if causingSpan == nil, cause != 0, let thread = threadOfRequest[cause] {
            causingThread = thread
            causingSpan = threads[thread].work(of: cause, at: sentNanoseconds ?? receivedNanoseconds)
        }
        guard let causingSpan, let thread = causingThread else {
            causingThread = nil
            return
        }
        cause = causingSpan.request
        guard isAwaited, let answeredNanoseconds,
            let pause = threads[thread].pause(at: answeredNanoseconds),
            pause.startNanoseconds >= startNanoseconds, pause.endNanoseconds <= causingSpan.endNanoseconds
        else { return }
        resumedNanoseconds = pause.endNanoseconds
    }
}

extension RecordedFuseRequest {
    /// Finds when its thread began and ended to send it, as far as that thread alone can tell.
    fileprivate mutating func findSending(_ threads: [RecordedThread]) {
        guard let causingThread, let span = causingSpan else { return }
        let thread = threads[causingThread]
        let last = max(min(span.endNanoseconds, receivedNanoseconds), span.startNanoseconds)
        if let sentNanoseconds, (span.startNanoseconds...last).contains(sentNanoseconds) {
            let end = thread.pause(atOrAfter: sentNanoseconds)?.startNanoseconds ?? last
            sending = (sentNanoseconds, max(min(end, last), sentNanoseconds))
        } else {
            // It cannot have been later than that.
            let sleep = thread.pause(at: last)?.startNanoseconds ?? last
            sending = (max(sleep, span.startNanoseconds), max(sleep, span.startNanoseconds))
        }
    }

    fileprivate mutating func endSending(by nanoseconds: UInt64) {
        guard let sending else { return }
        self.sending = (sending.startNanoseconds, min(sending.endNanoseconds, nanoseconds))
    }
}

extension [RecordedFuseRequest] {
    /// One thread sends one request after the other.
    fileprivate mutating func findSendings(_ threads: [RecordedThread]) {
        for index in indices { self[index].findSending(threads) }
        let order = indices.filter { self[$0].sending != nil }
            .sorted {
                (self[$0].causingThread!, self[$0].sending!.startNanoseconds)
                    < (self[$1].causingThread!, self[$1].sending!.startNanoseconds)
            }
        for (one, next) in zip(order, order.dropFirst()) where self[one].causingThread == self[next].causingThread {
            self[one].endSending(by: self[next].sending!.startNanoseconds)
        }
    }

    /// Gives each request the tracepoints of its number.
    fileprivate mutating func join(_ events: [FuseEvent], _ threads: [RecordedThread]) {
        var byUnique: [UInt64: [Int]] = [:]
        for index in indices { byUnique[self[index].unique, default: []].append(index) }
        var byThreadID: [Int32: Int] = [:]
        for index in threads.indices { byThreadID[threads[index].threadID] = index }
        for event in events {
            guard let candidates = byUnique[event.unique] else { continue }
            for index in candidates { self[index].add(event, thread: byThreadID[event.thread]) }
        }
    }
}

extension [RecordedThread] {
    /// Which thread has worked on a request, by its number; the last one, where it went from one to another.
    fileprivate var threadsOfRequests: [UInt64: Int] {
        var threads: [UInt64: Int] = [:]
        for (index, thread) in enumerated() {
            for work in thread.works { threads[work.request] = index }
        }
        return threads
    }
}

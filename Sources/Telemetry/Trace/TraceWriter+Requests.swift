import Platform

/// Requests as they are seen from outside of the threads, and FUSE requests on the threads that send and serve them.
extension TraceWriter {
    // MARK: - HTTP

    mutating func writeRequest(_ span: Span, _ recording: TraceRecording) throws(Errno) {
        beginAsync("b", "HTTP request", "request", span.request, span.startNanoseconds)
        out.raw(",\"args\":")
        writeArguments(ofRequest: span.request, recording)
        out.raw("}")
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

    /// What is known of a request as a whole: once it is over, and that was recorded.
    mutating func writeArguments(ofRequest number: UInt64, _ recording: TraceRecording) {
        out.raw("{\"request\":")
        out.number(number)
        if let whole = recording.whole[number] {
            if let path = recording.path(of: number) {
                out.raw(",\"path\":")
                out.string(path)
            }
            out.raw(",\"status\":")
            out.number(whole.detail & 0xffff_ffff)
            out.raw(whole.detail >> 32 & 1 == 1 ? ",\"via\":\"mount\"" : ",\"via\":\"bypass\"")
            out.raw(",\"latencyMicroseconds\":")
            out.microseconds(whole.endNanoseconds &- whole.startNanoseconds)
            out.raw(",\"fuseRequests\":")
            out.number(recording.fuseRequestCounts[number] ?? 0)
        }
        out.raw("}")
    }

    // MARK: - FUSE

    mutating func writeFuse(
        _ request: RecordedFuseRequest, _ number: UInt64, _ threads: [RecordedThread]
    ) throws(Errno) {
        let name = FuseOperation.name(opcode: request.opcode)
        // Whence the arrow comes is to stand before where it goes.
        let isArrow = writeSending(request, number, name)
        writeServing(request, number, name, isArrow: isArrow, threads)
        beginAsync("b", nil, "fuse-request", number, request.startNanoseconds, name: name)
        out.raw(",\"args\":")
        writeArguments(request, number, threads)
        out.raw("}}")
        for part in request.parts {
            beginAsync("b", part.name, "fuse-request", number, part.startNanoseconds)
            out.raw("}")
            beginAsync("e", part.name, "fuse-request", number, part.endNanoseconds)
            out.raw("}")
        }
        beginAsync("e", nil, "fuse-request", number, request.endNanoseconds, name: name)
        out.raw("}")
        try out.flushIfLarge()
    }

    /// On the track of the thread that has sent it. Its end is where the arrow begins: viewers draw arrows from the end of a slice.
    private mutating func writeSending(_ request: RecordedFuseRequest, _ number: UInt64, _ name: String) -> Bool {
        guard let causing = request.causingThread, let sending = request.sending else { return false }
        begin("X", nil, thread: self.number(ofThread: causing))
        out.string("send \(name)")
        writeTimes(sending.startNanoseconds, sending.endNanoseconds)
        out.raw(",\"cat\":\"fuse-send\",\"flow_out\":true")
        writeArrow(number)
        // Without arguments: chrome://tracing has those of both ends in one.
        out.raw("}")
        return true
    }

    /// On the FUSE thread's track: the wait for it, and the request with service and reply within.
    private mutating func writeServing(
        _ request: RecordedFuseRequest, _ number: UInt64, _ name: String, isArrow: Bool, _ threads: [RecordedThread]
    ) {
        let thread = self.number(ofThread: request.thread)
        if let idle = request.idleSinceNanoseconds, request.receivedNanoseconds > origin {
            begin("X", "idle", thread: thread)
            writeTimes(max(idle, origin), request.receivedNanoseconds)
            out.raw(",\"cat\":\"fuse-idle\"}")
        }
        begin("X", nil, thread: thread)
        out.string(name)
        writeTimes(request.receivedNanoseconds, request.endedNanoseconds)
        out.raw(",\"cat\":\"fuse\"")
        if isArrow {
            out.raw(",\"flow_in\":true")
            writeArrow(number)
        }
        out.raw(",\"args\":")
        writeArguments(request, number, threads)
        // Beside it on its own track, and for whoever has chosen this one.
        out.raw(",\"microseconds\":{")
        for (index, part) in request.parts.enumerated() {
            out.raw(index == 0 ? "\"" : ",\"")
            out.raw(part.name)
            out.raw("\":")
            out.microseconds(part.endNanoseconds - part.startNanoseconds)
        }
        out.raw("}}}")
        begin("X", "service", thread: thread)
        writeTimes(request.receivedNanoseconds, request.replyBeganNanoseconds)
        out.raw(",\"cat\":\"fuse-part\"}")
        guard request.endedNanoseconds > request.replyBeganNanoseconds else { return }
        begin("X", "reply", thread: thread)
        writeTimes(request.replyBeganNanoseconds, request.endedNanoseconds)
        out.raw(",\"cat\":\"fuse-part\"}")
    }

    /// What both ends of an arrow have in common.
    private mutating func writeArrow(_ number: UInt64) {
        out.raw(",\"bind_id\":\"0x")
        out.hexadecimal(number)
        out.raw("\"")
    }

    /// But for the brace at the end.
    private mutating func writeArguments(
        _ request: RecordedFuseRequest, _ number: UInt64, _ threads: [RecordedThread]
    ) {
        out.raw("{\"number\":")
        out.number(number)
        out.raw(",\"unique\":")
        out.number(request.unique)
        if request.cause != 0 {
            out.raw(",\"request\":")
            out.number(request.cause)
        }
        out.raw(",\"cause\":")
        if let causing = request.causingThread {
            out.string(threads[causing].name)
        } else if request.cause != 0 {
            out.raw("\"an HTTP request whose spans are not recorded\"")
        } else if !request.isAwaited {
            out.raw("\"not told: such a request names no caller\"")
        } else {
            out.raw("\"another process, or a thread without HTTP requests\"")
        }
    }
}

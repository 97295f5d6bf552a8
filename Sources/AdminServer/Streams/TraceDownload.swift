import CLibevent
import Glibc
import Platform
import Telemetry

/// A trace on its way to a client: sent as fast as the client takes it, while it is still being written. Admin thread only.
final class TraceDownload {
    /// nil once it is answered or its client is gone: evhttp frees it then.
    private var request: AdminRequest?
    private let recording: TraceRecording
    /// nil once nothing is read any more.
    private var pipe: SharedDescriptor?
    private var pipeEvent: OpaquePointer?
    private var finishedEvent: OpaquePointer?
    private var isThreadAtEnd = false
    /// Bytes of the trace that were given to evhttp.
    private var givenBytes: UInt64 = 0
    /// Since when the client is being waited for, CLOCK_MONOTONIC, and what it had taken by then.
    private var waiting: (sinceNanoseconds: UInt64, takenBytes: UInt64)?
    /// Called when nothing is left of it.
    private let whenOver: () -> Void

    /// Begins the trace and the answer.
    ///
    /// - Parameter whenOver: called once, not by this.
    init(
        _ request: AdminRequest, base: OpaquePointer, recorder: TraceRecorder, seconds: Double, oneIn: UInt64?,
        whenOver: @escaping () -> Void
    ) throws(Errno) {
        self.request = request
        self.whenOver = whenOver
        let (recording, pipe) = try TraceRecording.start(recorder, seconds: seconds, oneIn: oneIn)
        self.recording = recording
        self.pipe = pipe
        let context = Unmanaged.passUnretained(self).toOpaque()
        pipeEvent = event_new(base, pipe.rawValue, Int16(EV_READ | EV_PERSIST), traceReadable, context)
        event_add(pipeEvent, nil)
        finishedEvent = event_new(base, recording.finished.rawValue, Int16(EV_READ), traceThreadAtEnd, context)
        event_add(finishedEvent, nil)
        if let connection = evhttp_request_get_connection(request.pointer) {
            evhttp_connection_set_closecb(connection, traceClientGone, context)
        }
        request.setField("Content-Disposition", "attachment; filename=\"trace.json\"")
        request.beginStream(type: "application/json")
    }

    deinit {
        if let finishedEvent { event_free(finishedEvent) }
        if let pipeEvent { event_free(pipeEvent) }
    }

    /// Ends it, whoever takes it: what is left goes nowhere. The connection ends with evhttp.
    func cancel() {
        detach()
        stop()
        // A thread that does not end in time is left behind: the process ends.
        _ = recording.join()
    }

    /// A second has passed: cuts a client off who takes too little, byte by byte perhaps, of what there is for it.
    func tick() {
        guard let connection = request?.connectionBuffer else { return }
        let left = UInt64(evbuffer_get_length(bufferevent_get_output(connection)))
        let now = Clock.monotonicNanoseconds
        let taken = givenBytes > left ? givenBytes - left : 0
        if left == 0 {
            waiting = nil
        } else if let since = waiting, taken < since.takenBytes + Limits.traceBytesMin {
            guard now - since.sinceNanoseconds >= Limits.traceBytesNanoseconds else { return }
            finish(isWhole: false)
        } else {
            waiting = (now, taken)
        }
    }

    // MARK: - Events

    /// There is something to send, or nothing will come any more.
    fileprivate func read() {
        guard let number = pipe?.rawValue, let request else { return }
        let buffer = evbuffer_new()
        defer { evbuffer_free(buffer) }
        let count = evbuffer_read(buffer, number, Int32(Limits.pipeBytesMax))
        if count < 0 { return }
        if count == 0 { return finish(isWhole: recording.isComplete) }
        givenBytes += UInt64(count)
        evhttp_send_reply_chunk_with_cb(
            request.pointer, buffer, traceWritten, Unmanaged.passUnretained(self).toOpaque())
        if let connection = request.connectionBuffer,
            evbuffer_get_length(bufferevent_get_output(connection)) > Limits.waitingBytesMax
        {
            event_del(pipeEvent)
        }
    }

    /// The client has taken everything so far.
    fileprivate func goOn() {
        if pipe != nil { event_add(pipeEvent, nil) }
    }

    /// The client is gone, and with it the reason for the trace.
    fileprivate func clientGone() {
        request?.releaseAfterClose()
        request = nil
        stop()
        // Its thread may have written all of it before.
        endIfOver()
    }

    fileprivate func threadAtEnd() {
        isThreadAtEnd = true
        _ = recording.join()
        endIfOver()
    }

    /// Nothing more is sent.
    ///
    /// - Parameter isWhole: whether all of it was.
    private func finish(isWhole: Bool) {
        stop()
        let connection = detach()
        if isWhole {
            if let request { evhttp_send_reply_end(request.pointer) }
        } else if let connection {
            // Without the last chunk the client knows that this is not all.
            evhttp_connection_free(connection)
        }
        request = nil
        endIfOver()
    }

    // MARK: - Parts

    private func stop() {
        recording.stopping.signal()
        if pipe != nil {
            event_del(pipeEvent)
            // Whoever still writes into it gets EPIPE.
            pipe = nil
        }
    }

    /// evhttp is not to call any more.
    @discardableResult
    private func detach() -> OpaquePointer? {
        guard let request else { return nil }
        let connection = evhttp_request_get_connection(request.pointer)
        if let connection { evhttp_connection_set_closecb(connection, nil, nil) }
        return connection
    }

    private func endIfOver() {
        if isThreadAtEnd, pipe == nil { whenOver() }
    }
}

@c private func traceReadable(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<TraceDownload>.fromOpaque(context!).takeUnretainedValue().read()
}

@c private func traceThreadAtEnd(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<TraceDownload>.fromOpaque(context!).takeUnretainedValue().threadAtEnd()
}

@c private func traceWritten(_ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<TraceDownload>.fromOpaque(context!).takeUnretainedValue().goOn()
}

@c private func traceClientGone(_ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<TraceDownload>.fromOpaque(context!).takeUnretainedValue().clientGone()
}

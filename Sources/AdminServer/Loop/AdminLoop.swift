import CLibevent
import Glibc
import Platform
import Telemetry

/// evhttp on a loop of its own. Everything is the admin thread's, but for `stopping`.
final class AdminLoop: @unchecked Sendable {
    let subject: AdminSubject
    let access: AdminAccess
    let base: OpaquePointer
    let recorder: TraceRecorder
    let events: EventStreams
    let page = PageFiles()
    private(set) var report: StatusReport
    private(set) var download: TraceDownload?
    private let sockets: [SharedDescriptor]
    private let connectionsMax: Int
    private var connections: AdminConnections!
    private var http: OpaquePointer!
    /// One for each socket; evhttp owns them.
    private var listeners: [OpaquePointer] = []
    private var ownEvents: [OpaquePointer] = []
    /// Fires once: when connections may be taken again.
    private var resumeEvent: OpaquePointer!
    /// Ends the loop. Any thread.
    let stopping: WakeUp

    init(
        _ subject: AdminSubject, access: AdminAccess, sockets: [SharedDescriptor], connectionsMax: Int
    ) throws(Errno) {
        self.subject = subject
        self.access = access
        self.sockets = sockets
        self.connectionsMax = connectionsMax
        events = EventStreams(connectionsMax: connectionsMax)
        recorder = TraceRecorder(subject.measurements)
        report = StatusReport(subject)
        stopping = try WakeUp()
        let options = event_config_new()
        defer { event_config_free(options) }
        // One thread uses the base: its locks would be taken for nothing.
        event_config_set_flag(options, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
        guard let base = event_base_new_with_config(options) else { throw .noMemory }
        self.base = base
        do throws(Errno) {
            try listen()
        } catch {
            event_base_free(base)
            throw error
        }
    }

    private func listen() throws(Errno) {
        guard let http = evhttp_new(base) else { throw .noMemory }
        self.http = http
        do throws(Errno) {
            for socket in sockets {
                let listener = try makeListener(socket)
                // evhttp owns the listener from now on, and the listener its duplicate of the socket.
                evhttp_bind_listener(http, listener)
                evconnlistener_set_error_cb(listener, adminAcceptFailed)
                listeners.append(listener)
            }
        } catch {
            evhttp_free(http)
            throw error
        }
        connections = AdminConnections(base: base, connectionsMax: connectionsMax) { [unowned self] in
            pause(milliseconds: Limits.fullMilliseconds)
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        evhttp_set_bevcb(http, adminConnectionMade, Unmanaged.passUnretained(connections).toOpaque())
        evhttp_set_gencb(http, adminRequestMade, context)
        evhttp_set_max_headers_size(http, Limits.headBytesMax)
        evhttp_set_max_body_size(http, Limits.bodyBytesMax)
        evhttp_set_timeout(http, Int32(Limits.requestSeconds))
        // All that it knows: what is not served is answered here, with what is.
        let methods = [
            EVHTTP_REQ_GET, EVHTTP_REQ_POST, EVHTTP_REQ_HEAD, EVHTTP_REQ_PUT, EVHTTP_REQ_DELETE, EVHTTP_REQ_OPTIONS,
            EVHTTP_REQ_TRACE, EVHTTP_REQ_CONNECT, EVHTTP_REQ_PATCH,
        ]
        evhttp_set_allowed_methods(http, UInt16(methods.reduce(0) { $0 | $1.rawValue }))

        let stopEvent = event_new(base, stopping.rawValue, Int16(EV_READ | EV_PERSIST), adminStopped, context)!
        event_add(stopEvent, nil)
        let tickEvent = event_new(base, -1, Int16(EV_PERSIST), adminTicked, context)!
        var second = timeval(tv_sec: 1, tv_usec: 0)
        event_add(tickEvent, &second)
        resumeEvent = event_new(base, -1, 0, adminResumed, context)!
        ownEvents = [stopEvent, tickEvent, resumeEvent]
    }

    private func makeListener(_ socket: SharedDescriptor) throws(Errno) -> OpaquePointer {
        let duplicate = fcntl(socket.rawValue, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { throw Errno(rawValue: errno) }
        let flags = UInt32(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC)
        // It listens already: a backlog of 0 leaves that as it is. What accepts, evhttp sets.
        guard let listener = evconnlistener_new(base, nil, nil, flags, 0, duplicate) else {
            close(duplicate)
            throw .noMemory
        }
        return listener
    }

    // MARK: - Running

    /// Serves until `stopping` is signalled, and lets go of everything.
    func run() {
        event_base_dispatch(base)
        download?.cancel()
        download = nil
        events.closeAll()
        evhttp_free(http)
        connections.removeAll()
        for event in ownEvents { event_free(event) }
        event_base_free(base)
    }

    fileprivate func tick() {
        report.tick()
        download?.tick()
        if !events.isEmpty { events.send(EventStreams.event(status)) }
        if connections.sweep() { takeConnections() }
    }

    fileprivate func resume() {
        if connections.sweep() {
            takeConnections()
        } else {
            pause(milliseconds: Limits.fullMilliseconds)
        }
    }

    private func takeConnections() {
        for listener in listeners { evconnlistener_enable(listener) }
    }

    /// Takes no connection for a moment.
    fileprivate func pause(milliseconds: Int) {
        for listener in listeners { evconnlistener_disable(listener) }
        var time = timeval(tv_sec: 0, tv_usec: milliseconds * 1000)
        event_add(resumeEvent, &time)
    }

    // MARK: - For requests

    var status: JSONValue { report.make(isRecordingTrace: isRecordingTrace) }

    /// Whether a trace is being taken, or still being sent.
    var isRecordingTrace: Bool { download != nil || subject.measurements.tracer.isTaken }

    func note(_ request: AdminRequest, isStreaming: Bool = false) {
        if let buffer = request.connectionBuffer { connections.note(buffer, isStreaming: isStreaming) }
    }

    func startTrace(_ request: AdminRequest, seconds: Double, oneIn: UInt64?) throws(Errno) {
        download = try TraceDownload(
            request, base: base, recorder: recorder, seconds: seconds, oneIn: oneIn
        ) { [unowned self] in
            download = nil
        }
    }
}

@c private func adminRequestMade(_ request: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<AdminLoop>.fromOpaque(context!).takeUnretainedValue().answer(AdminRequest(pointer: request!))
}

@c private func adminStopped(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    event_base_loopbreak(Unmanaged<AdminLoop>.fromOpaque(context!).takeUnretainedValue().base)
}

@c private func adminTicked(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<AdminLoop>.fromOpaque(context!).takeUnretainedValue().tick()
}

@c private func adminResumed(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<AdminLoop>.fromOpaque(context!).takeUnretainedValue().resume()
}

/// No descriptors: without a pause, which the next tick ends, the loop would spin on the connection that waits.
@c private func adminAcceptFailed(_ listener: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
    evconnlistener_disable(listener)
}

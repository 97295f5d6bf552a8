import CLibevent
import Platform

/// What is served, and to whom.
extension AdminLoop {
    func answer(_ request: AdminRequest) {
        note(request)
        guard let path = request.path else { return request.respond(400, "the target is not a path") }
        switch access.judge(request.accessRequest(path: path)) {
        case .granted: break
        case .welcome:
            request.setField("Set-Cookie", access.cookie)
            request.setField("Location", "/")
            return request.respond(303, "welcome")
        case .refused(let status, let reason):
            if status == 401 { request.setField("WWW-Authenticate", "Bearer realm=\"serverfs\"") }
            return request.respond(status, reason)
        }
        switch path {
        case "/bypass": only([.put], request) { setBypass(request) }
        case "/telemetry": only([.put], request) { setTelemetry(request) }
        case "/trace": only([.post], request) { trace(request) }
        default: only([.get, .head], request) { show(path, to: request) }
        }
    }

    private func only(_ methods: [AdminRequest.Method], _ request: AdminRequest, _ body: () -> Void) {
        if methods.contains(request.method) { return body() }
        request.setField("Allow", methods.map(\.rawValue).joined(separator: ", "))
        request.respond(405, "allowed here: \(methods.map(\.rawValue).joined(separator: ", "))")
    }

    private func show(_ path: String, to request: AdminRequest) {
        switch path {
        case "/healthz": health(request)
        case "/status": request.respond(200, status)
        case "/metrics":
            let text = Array(subject.metricsText().utf8)
            request.respond(200, type: "text/plain; version=0.0.4; charset=utf-8", text)
        case "/events": openEvents(request)
        default:
            guard let file = page.file(path) else { return request.respond(404, "there is no \(path)") }
            request.respond(200, type: file.type, file.bytes)
        }
    }

    private func health(_ request: AdminRequest) {
        let state = subject.state()
        if !state.isServing { return request.respond(503, "the mount is lost") }
        request.respond(200, state.isDegraded ? "degraded: the mount is lost, and the docroot read directly" : "ok")
    }

    private func openEvents(_ request: AdminRequest) {
        if request.method == .head { return request.respond(200, type: "text/event-stream", []) }
        if events.isFull {
            request.setField("Retry-After", "1")
            return request.respond(503, "there are \(events.countMax) streams of events already")
        }
        note(request, isStreaming: true)
        events.open(request, first: EventStreams.event(status))
    }

    private func setBypass(_ request: AdminRequest) {
        guard let isOn = isOn(request) else { return }
        guard subject.setBypass(isOn) else { return request.respond(409, "there is no mount to bypass") }
        request.respond(200, ["bypass": .bool(isOn)])
    }

    private func setTelemetry(_ request: AdminRequest) {
        guard let isOn = isOn(request) else { return }
        subject.measurements.setTiming(isOn)
        request.respond(200, ["telemetry": .bool(isOn)])
    }

    /// What a switch is to be; nil where the body does not say it, which is answered.
    private func isOn(_ request: AdminRequest) -> Bool? {
        switch String(decoding: request.body, as: UTF8.self).filter({ !$0.isWhitespace }) {
        case "on": return true
        case "off": return false
        default:
            request.respond(400, "the body is on or off")
            return nil
        }
    }

    private func trace(_ request: AdminRequest) {
        var seconds: Double?
        var oneIn: UInt64?
        for (name, value) in request.query {
            switch name {
            case "seconds" where seconds == nil:
                guard let number = Double(value), number > 0, number <= Limits.traceSecondsMax else {
                    return request.respond(400, "seconds are more than 0 and at most \(Int(Limits.traceSecondsMax))")
                }
                seconds = number
            case "sample" where oneIn == nil:
                guard let number = UInt64(value), (1...1_000_000_000).contains(number) else {
                    return request.respond(400, "sample is N of one request in N, from 1 to 1000000000")
                }
                oneIn = number
            default: return request.respond(400, "the query is seconds=N, and sample=N if wished, each once")
            }
        }
        guard let seconds else { return request.respond(400, "seconds=N is missing") }
        if isRecordingTrace {
            let isFromStart = download == nil
            let reason = isFromStart ? ", that of --trace-file: until the end, or until its buffers are full" : ""
            return request.respond(409, "another trace is being taken\(reason)")
        }
        do throws(Errno) {
            note(request, isStreaming: true)
            try startTrace(request, seconds: seconds, oneIn: oneIn)
        } catch {
            note(request)
            request.respond(503, "no trace can be taken now: \(error)")
        }
    }
}

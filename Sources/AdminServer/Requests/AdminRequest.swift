import CLibevent
import Glibc

/// A request of evhttp's, which is answered once. Admin thread only.
struct AdminRequest {
    /// `struct evhttp_request`
    let pointer: OpaquePointer

    enum Method: String {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case other = ""
    }

    var method: Method {
        switch evhttp_request_get_command(pointer) {
        case EVHTTP_REQ_GET: .get
        case EVHTTP_REQ_HEAD: .head
        case EVHTTP_REQ_PUT: .put
        case EVHTTP_REQ_POST: .post
        default: .other
        }
    }

    /// The path as it was sent; nil where the target is not a path.
    var path: String? {
        guard let text = evhttp_request_get_uri(pointer), text[0] == CChar(UInt8(ascii: "/")),
            let uri = evhttp_request_get_evhttp_uri(pointer), evhttp_uri_get_host(uri) == nil
        else { return nil }
        return evhttp_uri_get_path(uri).map { String(cString: $0) }
    }

    /// The query's parameters, escapes decoded.
    var query: [(name: String, value: String)] {
        guard let uri = evhttp_request_get_evhttp_uri(pointer), let text = evhttp_uri_get_query(uri) else { return [] }
        return String(cString: text).split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decode)
            return (pair[0], pair.count > 1 ? pair[1] : "")
        }
    }

    private static func decode(_ text: Substring) -> String {
        guard let decoded = evhttp_uridecode(String(text), 0, nil) else { return "" }
        defer { free(decoded) }
        return String(cString: decoded)
    }

    /// The values of all fields of that name, in lower case.
    func values(of name: String) -> [String] {
        guard let fields = evhttp_request_get_input_headers(pointer) else { return [] }
        var values: [String] = []
        var field = fields.pointee.tqh_first
        while let present = field {
            if let key = present.pointee.key, let value = present.pointee.value,
                String(cString: key).lowercased() == name
            {
                values.append(String(cString: value))
            }
            field = present.pointee.next.tqe_next
        }
        return values
    }

    /// The body, which evhttp has bounded.
    var body: [UInt8] {
        guard let buffer = evhttp_request_get_input_buffer(pointer) else { return [] }
        return [UInt8](unsafeUninitializedCapacity: evbuffer_get_length(buffer)) { memory, count in
            count = max(evbuffer_copyout(buffer, memory.baseAddress, memory.count), 0)
        }
    }

    /// `struct bufferevent` of its connection; nil when that is gone.
    var connectionBuffer: OpaquePointer? {
        evhttp_request_get_connection(pointer).flatMap { evhttp_connection_get_bufferevent($0) }
    }

    // MARK: - Answering

    func setField(_ name: String, _ value: String) {
        evhttp_add_header(evhttp_request_get_output_headers(pointer), name, value)
    }

    /// Answers. To HEAD, with the body's length and without the body.
    func respond(_ status: Int, type: String, _ body: [UInt8]) {
        setSafetyFields()
        setField("Content-Type", type)
        setField("Content-Length", "\(body.count)")
        let buffer = evbuffer_new()
        defer { evbuffer_free(buffer) }
        if method != .head { evbuffer_add(buffer, body, body.count) }
        evhttp_send_reply(pointer, Int32(status), Self.reason(status), buffer)
    }

    func respond(_ status: Int, _ text: String) {
        respond(status, type: "text/plain; charset=utf-8", Array("\(text)\n".utf8))
    }

    func respond(_ status: Int, _ json: JSONValue) {
        respond(status, type: "application/json", json.bytes)
    }

    /// Begins an answer whose length is not known.
    func beginStream(type: String) {
        setSafetyFields()
        setField("Content-Type", type)
        // Its time limits are its own: it is of no use afterwards. To a client of HTTP/1.0 who wishes to keep it, evhttp would say
        // so, and that the body has no bytes.
        while evhttp_remove_header(evhttp_request_get_input_headers(pointer), "Connection") == 0 {}
        setField("Connection", "close")
        evhttp_send_reply_start(pointer, 200, Self.reason(200))
        // A client that only listens is not idle: how long it may take nothing stays bounded.
        if let buffer = connectionBuffer {
            var time = timeval(tv_sec: Limits.requestSeconds, tv_usec: 0)
            bufferevent_set_timeouts(buffer, nil, &time)
        }
    }

    /// Nothing of it is kept, put into a frame, or asked for in another site's name; the page loads nothing but its own files.
    private func setSafetyFields() {
        setField("Server", "serverfs")
        setField("Cache-Control", "no-store")
        setField("X-Content-Type-Options", "nosniff")
        setField("X-Frame-Options", "DENY")
        setField("Referrer-Policy", "no-referrer")
        setField("Cross-Origin-Resource-Policy", "same-origin")
        setField(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 303: "See Other"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }
}

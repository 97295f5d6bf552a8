import CLibevent
import Glibc

/// The open streams of server-sent events, each told of the status once a second. Admin thread only.
final class EventStreams {
    private final class Stream {
        let request: AdminRequest
        unowned let streams: EventStreams

        init(_ request: AdminRequest, _ streams: EventStreams) {
            self.request = request
            self.streams = streams
        }
    }

    private var streams: [ObjectIdentifier: Stream] = [:]
    /// How many there may be.
    let countMax: Int

    var isEmpty: Bool { streams.isEmpty }
    var isFull: Bool { streams.count >= countMax }

    /// - Parameter connectionsMax: of which streams get half, so that they keep nobody else out.
    init(connectionsMax: Int) { countMax = min(Limits.eventStreamsMax, connectionsMax / 2) }

    /// Takes a request on as a stream, which begins with `event`.
    func open(_ request: AdminRequest, first event: [UInt8]) {
        guard let connection = evhttp_request_get_connection(request.pointer) else { return }
        let stream = Stream(request, self)
        streams[ObjectIdentifier(stream)] = stream
        evhttp_connection_set_closecb(connection, eventStreamClosed, Unmanaged.passUnretained(stream).toOpaque())
        request.beginStream(type: "text/event-stream")
        Self.send(event, to: request)
    }

    /// Sends an event to all who have taken what they were sent before.
    func send(_ event: [UInt8]) {
        for stream in streams.values {
            guard let buffer = stream.request.connectionBuffer,
                evbuffer_get_length(bufferevent_get_output(buffer)) < Limits.waitingBytesMax
            else { continue }
            Self.send(event, to: stream.request)
        }
    }

    /// Lets go of all: their connections end with evhttp.
    func closeAll() {
        for stream in streams.values {
            guard let connection = evhttp_request_get_connection(stream.request.pointer) else { continue }
            evhttp_connection_set_closecb(connection, nil, nil)
        }
        streams = [:]
    }

    /// An event named `status` with one line of data.
    static func event(_ status: JSONValue) -> [UInt8] {
        Array("event: status\ndata: ".utf8) + status.bytes + Array("\n\n".utf8)
    }

    private static func send(_ event: [UInt8], to request: AdminRequest) {
        let buffer = evbuffer_new()
        defer { evbuffer_free(buffer) }
        evbuffer_add(buffer, event, event.count)
        evhttp_send_reply_chunk(request.pointer, buffer)
    }

    private func remove(_ stream: Stream) {
        streams[ObjectIdentifier(stream)] = nil
        stream.request.releaseAfterClose()
    }

    fileprivate static func closed(_ context: UnsafeMutableRawPointer) {
        let stream = Unmanaged<Stream>.fromOpaque(context).takeUnretainedValue()
        stream.streams.remove(stream)
    }
}

extension AdminRequest {
    /// Frees a request that was being answered when its connection went: evhttp leaves that to whoever answers.
    func releaseAfterClose() {
        if evhttp_request_get_connection(pointer) == nil { evhttp_send_reply_end(pointer) }
    }
}

@c private func eventStreamClosed(_ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
    EventStreams.closed(context!)
}

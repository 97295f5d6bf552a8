import Glibc

/// An HTTP client on one connection: sends requests as they are given, byte for byte, and reads the responses one after
/// the other. One thread at a time.
package final class HTTPConnection {
    package let socket: ClientSocket
    /// Received and not yet used: `buffer[start..<end]`.
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    package init(port: UInt16, receiveBufferBytes: CInt? = nil, timeoutSeconds: Int = 10) throws {
        socket = try ClientSocket(port: port, receiveBufferBytes: receiveBufferBytes, timeoutSeconds: timeoutSeconds)
        buffer = .allocate(byteCount: 128 * 1024, alignment: 16)
    }

    deinit { buffer.deallocate() }

    // MARK: - Requests

    /// The text of a request with a Host field.
    package static func request(
        _ target: String, method: String = "GET", fields: [String] = [], version: String = "1.1"
    ) -> String {
        let lines = ["\(method) \(target) HTTP/\(version)", "Host: localhost"] + fields
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Sends a request and reads its response.
    package func exchange(
        _ target: String, method: String = "GET", fields: [String] = [], version: String = "1.1"
    ) throws -> HTTPResponse {
        try socket.send(Self.request(target, method: method, fields: fields, version: version))
        return try receiveResponse(to: method)
    }

    /// One request on a connection of its own.
    package static func fetch(
        _ port: UInt16, _ target: String, method: String = "GET", fields: [String] = [], version: String = "1.1"
    ) throws -> HTTPResponse {
        try HTTPConnection(port: port).exchange(target, method: method, fields: fields, version: version)
    }

    // MARK: - Responses

    /// Reads one response, its body by Content-Length.
    package func receiveResponse(to method: String = "GET") throws -> HTTPResponse {
        var response = try receiveHead()
        guard method != "HEAD", response.status != 304 else { return response }
        guard let length = response.contentLength else {
            throw ClientFailure.malformed("no Content-Length in a \(response.status)")
        }
        response.body = try [UInt8](unsafeUninitializedCapacity: length) { memory, filled in
            let memory = UnsafeMutableRawBufferPointer(memory)
            try receiveBody(length) { piece in
                UnsafeMutableRawBufferPointer(rebasing: memory[filled...]).copyMemory(from: piece)
                filled += piece.count
            }
        }
        return response
    }

    /// Reads a response's head and leaves its body to `receiveBody`.
    package func receiveHead() throws -> HTTPResponse {
        while true {
            if let count = headByteCount() {
                let response = try HTTPResponse(head: UnsafeRawBufferPointer(rebasing: buffer[start..<(start + count)]))
                start += count + 4
                return response
            }
            try fill()
        }
    }

    /// Hands `count` bytes to `body`, in pieces as they come.
    package func receiveBody(_ count: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var rest = count
        while rest > 0 {
            if start == end { try fill() }
            let piece = min(rest, end - start)
            try body(UnsafeRawBufferPointer(rebasing: buffer[start..<(start + piece)]))
            start += piece
            rest -= piece
        }
    }

    /// Reads what comes until the server closes, and counts it; `body` sees every piece.
    package func receiveRest(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Int {
        var total = 0
        while true {
            do {
                try receiveBody(1) { try body($0) }
                total += 1
                let there = end - start
                try receiveBody(there, body)
                total += there
            } catch ClientFailure.closed {
                return total
            }
        }
    }

    /// The length of the head that is received, without its empty line; nil when its end has not come yet.
    private func headByteCount() -> Int? {
        var position = start
        while position + 4 <= end,
            let found = memchr(buffer.baseAddress! + position, CInt(UInt8(ascii: "\r")), end - position - 3)
        {
            if memcmp(found, "\r\n\r\n", 4) == 0 { return found - (buffer.baseAddress! + start) }
            position = found - buffer.baseAddress! + 1
        }
        return nil
    }

    private func fill() throws {
        if start > 0 {
            memmove(buffer.baseAddress!, buffer.baseAddress! + start, end - start)
            end -= start
            start = 0
        }
        guard end < buffer.count else { throw ClientFailure.malformed("a head without an end") }
        let count = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
        if count == 0 { throw ClientFailure.closed }
        end += count
    }
}

import Platform

/// A client of a server's admin side: one request a connection, and bodies of any kind.
package struct AdminClient: Sendable {
    package let port: UInt16

    package init(port: UInt16) { self.port = port }

    /// Sends a request and reads its response, to the end of the connection.
    ///
    /// - Parameters:
    ///   - hosts: the values of its Host fields; nil for the one it should have.
    ///   - fields: further ones.
    package func fetch(
        _ target: String, method: String = "GET", hosts: [String]? = nil, fields: [String] = [], body: String? = nil,
        timeoutSeconds: Int = 20
    ) throws -> HTTPResponse {
        let socket = try ClientSocket(port: port, timeoutSeconds: timeoutSeconds)
        try socket.send(
            request(target, method: method, hosts: hosts, fields: fields + ["Connection: close"], body: body))
        let bytes = try socket.receiveAll()
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw ClientFailure.malformed(String(decoding: bytes, as: UTF8.self))
        }
        var response = try HTTPResponse(head: bytes[..<end.lowerBound])
        let rest = bytes[end.upperBound...]
        response.body = response["Transfer-Encoding"] == "chunked" ? try Self.joinChunks(rest) : Array(rest)
        if let length = response.contentLength, method != "HEAD", length != response.body.count {
            throw ClientFailure.mismatch("\(response.body.count) bytes of \(length)")
        }
        return response
    }

    /// The text of a request.
    package func request(
        _ target: String, method: String = "GET", hosts: [String]? = nil, fields: [String] = [], body: String? = nil
    ) -> String {
        let hosts = (hosts ?? ["127.0.0.1:\(port)"]).map { "Host: \($0)" }
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        let lines = ["\(method) \(target) HTTP/1.1"] + hosts + fields + length
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// Sends a request and leaves the answer to `socket`.
    package func open(_ target: String, method: String = "GET", fields: [String] = []) throws -> ClientSocket {
        let socket = try ClientSocket(port: port, timeoutSeconds: 20)
        try socket.send(request(target, method: method, fields: fields))
        return socket
    }

    /// Begins a stream, such as of events, and waits until the server has.
    package func stream(_ target: String) throws -> ClientSocket {
        let socket = try open(target)
        var line = [UInt8](repeating: 0, count: 12)
        var count = 0
        while count < line.count {
            let received = try line.withUnsafeMutableBytes {
                try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
            }
            guard received > 0 else { throw ClientFailure.closed }
            count += received
        }
        guard line == Array("HTTP/1.1 200".utf8) else {
            throw ClientFailure.mismatch(String(decoding: line, as: UTF8.self))
        }
        return socket
    }

    /// What chunks hold; it must end with the last one.
    private static func joinChunks(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            let digits = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            guard let count = Int(digits, radix: 16), rest[end.upperBound...].count >= count + 2 else { break }
            if count == 0 { return body }
            body += rest[end.upperBound...].prefix(count)
            rest = rest[end.upperBound...].dropFirst(count + 2)
        }
        throw ClientFailure.closed
    }
}

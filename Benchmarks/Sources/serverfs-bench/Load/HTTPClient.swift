import Glibc

/// Requests to a server on 127.0.0.1, one a connection, as simple as can be.
enum HTTPClient {
    /// The bytes of the body behind `url`, which is `http://127.0.0.1:PORT/PATH`.
    static func byteCount(_ url: String) throws -> Int {
        var total = 0
        try exchange("GET", url) { total += $0.count }
        return total
    }

    /// The body of the answer.
    static func text(_ method: String, _ url: String, body: String = "") throws -> String {
        var bytes: [UInt8] = []
        try exchange(method, url, body: body) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func exchange(
        _ method: String, _ url: String, body: String = "", receive: (ArraySlice<UInt8>) -> Void
    ) throws {
        guard let (port, path) = portAndPath(url) else {
            throw BenchFailure(.runFailed, "\(url) is no address of a server on 127.0.0.1")
        }
        let socket = try LoopbackPort.connected(to: port)
        defer { close(socket) }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        if !body.isEmpty { head += "Content-Length: \(body.utf8.count)\r\n" }
        let request = Array("\(head)\r\n\(body)".utf8)
        guard unsafe send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw BenchFailure(.runFailed, "\(url) takes no request: \(errorText(errno))")
        }
        try receiveAnswer(from: socket, url, receive)
    }

    /// The response's head must come in the first piece, which it does: it is small and sent first.
    private static func receiveAnswer(
        from socket: Int32, _ url: String, _ receive: (ArraySlice<UInt8>) -> Void
    ) throws {
        var hasHead = false
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            try Interrupt.check()
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            guard count >= 0 else {
                throw BenchFailure(.runFailed, "\(url): the response does not end: \(errorText(errno))")
            }
            if count == 0 && hasHead { return }
            var piece = buffer[..<count]
            if !hasHead {
                guard let head = headByteCount(piece) else {
                    throw BenchFailure(.runFailed, "\(url) does not answer 200")
                }
                piece = piece.dropFirst(head)
                hasHead = true
            }
            receive(piece)
        }
    }

    /// The length of a response head with status 200, with its empty line; nil when it is none.
    static func headByteCount(_ response: ArraySlice<UInt8>) -> Int? {
        let text = String(decoding: response.prefix(16 << 10), as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 200 "), let end = text.utf8.firstRange(of: "\r\n\r\n".utf8) else { return nil }
        return text.utf8.distance(from: text.utf8.startIndex, to: end.upperBound)
    }

    static func portAndPath(_ url: String) -> (port: UInt16, path: String)? {
        let prefix = "http://127.0.0.1:"
        guard url.hasPrefix(prefix) else { return nil }
        let rest = url.dropFirst(prefix.count)
        guard let slash = rest.firstIndex(of: "/"), let port = UInt16(rest[..<slash]) else { return nil }
        return (port, String(rest[slash...]))
    }
}

import Glibc
import Platform

/// A client's connection to a server on 127.0.0.1, with one request under way at a time. One thread.
final class LoadConnection {
    let socket: OwnedDescriptor
    /// Of the path to ask for next.
    var pathIndex: Int
    private(set) var reader = ResponseReader()

    private static let timeoutSeconds = 10

    init(port: UInt16, pathIndex: Int = 0) throws(Errno) {
        self.pathIndex = pathIndex
        let number = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        socket = OwnedDescriptor(adopting: number)
        var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        let timeoutSize = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &timeout, timeoutSize)
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &timeout, timeoutSize)
        var one: CInt = 1
        setsockopt(number, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    /// The bytes of a request.
    static func request(for path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
    }

    func send(_ request: [UInt8]) throws(Errno) {
        var left = request[...]
        while !left.isEmpty {
            let (count, code) = left.withUnsafeBytes { bytes in
                (Glibc.send(socket.rawValue, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL)), errno)
            }
            guard count > 0 else { throw Errno(rawValue: code) }
            left = left.dropFirst(count)
        }
    }

    /// Receives once, and waits for that where nothing is there.
    ///
    /// - Throws: ECONNRESET when the server has closed the connection.
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> ResponseReader.Progress {
        let count = recv(socket.rawValue, buffer.baseAddress, buffer.count, 0)
        let code = errno
        if count < 0, code == EINTR { return .incomplete }
        guard count != 0 else { throw .connectionReset }
        guard count > 0 else { throw Errno(rawValue: code) }
        return reader.take(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
    }

    /// Asks for `path` once and waits for the answer.
    static func fetch(_ path: String, port: UInt16) throws(CostFailure) -> (status: Int, bodyBytes: Int) {
        do throws(Errno) {
            let connection = try LoadConnection(port: port)
            try connection.send(request(for: path))
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
            defer { buffer.deallocate() }
            var progress = ResponseReader.Progress.incomplete
            while progress == .incomplete { progress = try connection.receive(into: buffer) }
            if progress == .complete { return (connection.reader.status, connection.reader.contentLength) }
        } catch {
            throw CostFailure("GET \(path): \(error)")
        }
        throw CostFailure("GET \(path): the answer is no HTTP")
    }
}

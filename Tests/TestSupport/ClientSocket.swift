import Glibc
import Platform

/// What goes wrong for a client.
package enum ClientFailure: Error, Equatable {
    /// Nothing came, or could be sent, within the socket's time limit.
    case timedOut
    /// The server closed the connection although more was due.
    case closed
    /// The response is not HTTP.
    case malformed(String)
    /// What came is not what should have come.
    case mismatch(String)
}

/// A client's TCP connection to 127.0.0.1, with blocking calls that give up after a time. One thread may send
/// while another receives.
package final class ClientSocket: @unchecked Sendable {
    private let descriptor: OwnedDescriptor

    /// - Parameters:
    ///   - receiveBufferBytes: SO_RCVBUF, to be a client that takes little at a time.
    ///   - timeoutSeconds: for each call.
    package init(port: UInt16, receiveBufferBytes: CInt? = nil, timeoutSeconds: Int = 10) throws {
        let number = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        descriptor = OwnedDescriptor(adopting: number)
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let timeoutSize = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &timeout, timeoutSize)
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &timeout, timeoutSize)
        let intSize = socklen_t(MemoryLayout<CInt>.size)
        var one: CInt = 1
        setsockopt(number, CInt(IPPROTO_TCP), TCP_NODELAY, &one, intSize)
        if var receiveBufferBytes { setsockopt(number, SOL_SOCKET, SO_RCVBUF, &receiveBufferBytes, intSize) }

        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Self.connectFailure(errno) }
    }

    /// Sends all of `bytes`.
    package func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor.rawValue, $0.baseAddress! + offset, $0.count - offset, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Self.failure(errno) }
            offset += count
        }
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Receives what is there, waiting for the first byte; 0 when the server has closed its side.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = recv(descriptor.rawValue, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return count }
            if errno != EINTR { throw Self.failure(errno) }
        }
    }

    /// Receives until the server closes; what it sent before a reset counts too.
    package func receiveAll(limit: Int = 16 << 20) throws -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while all.count < limit {
            do {
                let count = try chunk.withUnsafeMutableBytes { try receive(into: $0) }
                if count == 0 { break }
                all += chunk[..<count]
            } catch ClientFailure.closed {
                break
            }
        }
        return all
    }

    /// Closes our side: the server sees the end of the requests, and can still answer.
    package func shutdownSending() { shutdown(descriptor.rawValue, CInt(SHUT_WR)) }

    /// Whether the server closes the connection within `seconds`, sending nothing more.
    package func isClosed(withinSeconds seconds: Double) -> Bool {
        var event = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&event, 1, CInt(seconds * 1000)) == 1 else { return false }
        var byte: UInt8 = 0
        return recv(descriptor.rawValue, &byte, 1, CInt(MSG_PEEK)) <= 0
    }

    /// Refusals keep their number.
    private static func connectFailure(_ code: CInt) -> any Error {
        code == EINPROGRESS || code == EAGAIN ? ClientFailure.timedOut : Errno(rawValue: code)
    }

    private static func failure(_ code: CInt) -> any Error {
        switch code {
        case EAGAIN, EINPROGRESS: ClientFailure.timedOut
        case ECONNRESET, EPIPE: ClientFailure.closed
        default: Errno(rawValue: code)
        }
    }
}

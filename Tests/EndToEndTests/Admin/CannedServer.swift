import Glibc
import Platform

/// A server on a port of 127.0.0.1 that is no serverfs: to whatever it is asked it answers the same bytes.
final class CannedServer: Sendable {
    let port: UInt16
    private let descriptor: OwnedDescriptor
    private let threads: ClientThreads

    init(_ answer: String) throws {
        let number = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        descriptor = OwnedDescriptor(adopting: number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 8) == 0 ? getsockname(number, $0, &length) : -1
            }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
        port = UInt16(bigEndian: address.sin_port)
        threads = try ClientThreads(1) { _ in
            while true {
                // Until the socket does not listen any more.
                let client = accept(number, nil, nil)
                if client < 0 { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                var request = [UInt8](repeating: 0, count: 4096)
                _ = recv(client, &request, request.count, 0)
                _ = send(client, answer, answer.utf8.count, CInt(MSG_NOSIGNAL))
                close(client)
            }
        }
    }

    deinit {
        shutdown(descriptor.rawValue, CInt(SHUT_RDWR))
        try? threads.join()
    }
}

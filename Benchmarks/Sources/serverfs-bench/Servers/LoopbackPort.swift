import Glibc

/// A free port of 127.0.0.1, held for a server that cannot be asked which port it chose. The socket is bound with
/// SO_REUSEPORT but never listens, so a server that sets the same option can bind it meanwhile, and nobody else.
final class LoopbackPort {
    let number: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<Int32>.size))

        var address = Self.address(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
            }
        }
        let code = errno
        self.descriptor = descriptor
        number = UInt16(bigEndian: address.sin_port)
        guard bound else {
            throw BenchFailure(.runFailed, "no free port on 127.0.0.1: \(errorText(code))")
        }
    }

    deinit { close(descriptor) }

    /// Whether a connection is taken.
    func accepts() -> Bool {
        guard let client = try? Self.connected(to: number) else { return false }
        close(client)
        return true
    }

    /// A connection to a server on 127.0.0.1, on which nothing is waited for longer than 30 s. The caller closes it.
    static func connected(to port: UInt16) throws -> Int32 {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = address(port: port)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe connect(client, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let code = errno
            close(client)
            throw BenchFailure(.runFailed, "no connection to port \(port) of 127.0.0.1: \(errorText(code))")
        }
        return client
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }
}

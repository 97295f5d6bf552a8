import Glibc
package import Platform

/// A port of 127.0.0.1 that is taken as long as this is held, by a socket that listens.
package final class OccupiedPort: Sendable {
    package let port: UInt16
    private let descriptor: OwnedDescriptor

    /// The socket, to accept on.
    package var rawDescriptor: CInt { descriptor.rawValue }

    package init() throws(Errno) {
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
    }

    /// A port that is free again by now.
    package static func findFree() throws(Errno) -> UInt16 { try OccupiedPort().port }
}

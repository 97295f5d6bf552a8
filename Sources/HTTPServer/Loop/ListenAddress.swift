import Glibc
package import Platform

/// An address to listen on, from `HOST:PORT` or `[HOST]:PORT`.
package struct ListenAddress: Sendable, Equatable {
    package let host: String
    /// 0 lets the kernel choose.
    package let port: UInt16

    /// nil when the text has not that form. The host may be a name, an IPv4 address, or an IPv6 address in brackets.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[colon...].dropFirst()
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains("["), !host.contains("]") else { return nil }
        self.host = String(host)
        self.port = port
    }
}

/// Why an address cannot be listened on, as a sentence.
package struct ListenFailure: Error, CustomStringConvertible, Sendable {
    package let description: String
}

/// A listening socket's maker.
package enum ListeningSocket {
    /// Binds `count` sockets to the same address (SO_REUSEPORT: the kernel spreads connections over them), so that each
    /// event loop has one. They do not listen yet.
    ///
    /// - Returns: the sockets, and the address they are bound to, the port the kernel has chosen included.
    package static func bind(
        _ address: ListenAddress, count: Int
    ) throws(ListenFailure) -> (sockets: [SharedDescriptor], description: String) {
        var (target, length) = try resolve(address)
        do throws(Errno) {
            // Sockets that share a port would share it with another serverfs too. One without SO_REUSEPORT finds out.
            if address.port != 0 { _ = try makeSocket(&target, length, sharesPort: false) }
            var sockets: [SharedDescriptor] = []
            for _ in 0..<count {
                let socket = try makeSocket(&target, length, sharesPort: true)
                // The first takes the port that the kernel has chosen; the others get the same.
                if sockets.isEmpty { try readAddress(socket.rawValue, into: &target) }
                sockets.append(SharedDescriptor(socket))
            }
            return (sockets, describe(&target, length))
        } catch {
            throw ListenFailure(description: "cannot listen on \(address): \(error)")
        }
    }

    /// A socket of its own address, which listens already.
    ///
    /// - Returns: the socket, the address it is bound to, and whether only this machine can reach it.
    package static func listenAlone(
        _ address: ListenAddress, backlog: Int32
    ) throws(ListenFailure) -> (socket: SharedDescriptor, bound: ListenAddress, isLoopback: Bool) {
        var (target, length) = try resolve(address)
        do throws(Errno) {
            let socket = try makeSocket(&target, length, sharesPort: false)
            try readAddress(socket.rawValue, into: &target)
            if Glibc.listen(socket.rawValue, backlog) != 0 { throw Errno(rawValue: errno) }
            return (SharedDescriptor(socket), ListenAddress(describe(&target, length))!, isLoopback(target))
        } catch {
            throw ListenFailure(description: "cannot listen on \(address): \(error)")
        }
    }

    /// Lets a bound socket take connections from now on (`listen(2)`).
    static func listen(_ socket: CInt) throws(Errno) {
        if Glibc.listen(socket, Limits.backlog) != 0 { throw Errno(rawValue: errno) }
    }

    /// Refuses connections from now on (`shutdown(2)`).
    static func stopListening(_ socket: CInt) { Sockets.shutDown(socket, .both) }

    /// The first address of a name, or the address itself.
    private static func resolve(
        _ address: ListenAddress
    ) throws(ListenFailure) -> (target: sockaddr_storage, length: socklen_t) {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard code == 0, let found else {
            throw ListenFailure(description: "cannot listen on \(address): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        var target = sockaddr_storage()
        memcpy(&target, found.pointee.ai_addr, Int(found.pointee.ai_addrlen))
        return (target, found.pointee.ai_addrlen)
    }

    /// 127.0.0.0/8, also behind an IPv6 socket, and ::1.
    private static func isLoopback(_ address: sockaddr_storage) -> Bool {
        withUnsafeBytes(of: address) { bytes in
            guard address.ss_family == sa_family_t(AF_INET6) else {
                return address.ss_family == sa_family_t(AF_INET) && bytes[4] == 127
            }
            // struct sockaddr_in6: family, port, flow information, and the address from byte 8 on.
            let text = bytes[8..<24]
            let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 127]
            return text.elementsEqual([UInt8](repeating: 0, count: 15) + [1]) || text.starts(with: mapped)
        }
    }

    private static func makeSocket(
        _ address: inout sockaddr_storage, _ length: socklen_t, sharesPort: Bool
    ) throws(Errno) -> OwnedDescriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(CInt(address.ss_family), type, 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let descriptor = OwnedDescriptor(adopting: number)
        var one: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if sharesPort { setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &one, size) }
        // Accepted sockets inherit it: a response's last segment must not wait for an acknowledgement.
        setsockopt(number, CInt(IPPROTO_TCP), TCP_NODELAY, &one, size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(number, $0, length) }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    private static func readAddress(_ socket: CInt, into address: inout sockaddr_storage) throws(Errno) {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    private static func describe(_ address: inout sockaddr_storage, _ length: socklen_t) -> String {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, length, &host, socklen_t(host.count), &port, socklen_t(port.count), flags)
            }
        }
        func text(_ bytes: [CChar]) -> String {
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return address.ss_family == sa_family_t(AF_INET6)
            ? "[\(text(host))]:\(text(port))" : "\(text(host)):\(text(port))"
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

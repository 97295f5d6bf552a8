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
        var target = try resolveAll(address)[0]
        do throws(Errno) {
            // Sockets that share a port would share it with another serverfs too. One without SO_REUSEPORT finds out.
            if address.port != 0 { _ = try makeSocket(&target, sharesPort: false) }
            var sockets: [SharedDescriptor] = []
            for _ in 0..<count {
                let socket = try makeSocket(&target, sharesPort: true)
                // The first takes the port that the kernel has chosen; the others get the same.
                if sockets.isEmpty { try readAddress(socket.rawValue, into: &target) }
                sockets.append(SharedDescriptor(socket))
            }
            return (sockets, describe(&target))
        } catch {
            throw ListenFailure(description: "cannot listen on \(address): \(error)")
        }
    }

    /// A socket that listens already, and shares its address with no other.
    package struct Alone: Sendable {
        package let socket: SharedDescriptor
        /// What it is bound to, the port the kernel has chosen included.
        package let bound: ListenAddress
        /// Whether only this machine can reach it.
        package let isLoopback: Bool
    }

    /// Listens on every address of a name, as localhost's ::1 and 127.0.0.1, on one port. An address that this machine has not is
    /// left out as long as there is another: /etc/hosts may name ::1 where there is no IPv6.
    ///
    /// - Parameter addressesMax: more are left out.
    package static func listenAlone(
        _ address: ListenAddress, backlog: Int32, addressesMax: Int
    ) throws(ListenFailure) -> [Alone] {
        let targets = try resolveAll(address).prefix(addressesMax)
        // Where the kernel chooses the port, it is the first address's, and may be taken on the second.
        var triesLeft = address.port == 0 ? portTriesMax : 1
        while true {
            do throws(Errno) {
                return try listen(targets, backlog: backlog)
            } catch {
                triesLeft -= 1
                if triesLeft > 0, error == .addressInUse { continue }
                throw ListenFailure(description: "cannot listen on \(address): \(error)")
            }
        }
    }

    private static let portTriesMax = 8

    private static func listen(_ targets: ArraySlice<Target>, backlog: Int32) throws(Errno) -> [Alone] {
        var found: [Alone] = []
        var missing: Errno?
        for var target in targets {
            if let first = found.first { target.setPort(first.bound.port) }
            do throws(Errno) {
                // An IPv6 socket takes IPv4 connections too, unless there is one for them.
                let socket = try makeSocket(&target, sharesPort: false, isForIPv6Only: targets.count > 1)
                try readAddress(socket.rawValue, into: &target)
                if Glibc.listen(socket.rawValue, backlog) != 0 { throw Errno(rawValue: errno) }
                found.append(
                    Alone(
                        socket: SharedDescriptor(socket), bound: ListenAddress(describe(&target))!,
                        isLoopback: isLoopback(target.address)))
            } catch let failure where failure == .addressNotAvailable || failure == .addressFamilyNotSupported {
                missing = missing ?? failure
            }
        }
        if found.isEmpty { throw missing ?? .addressNotAvailable }
        return found
    }

    /// Lets a bound socket take connections from now on (`listen(2)`).
    static func listen(_ socket: CInt) throws(Errno) {
        if Glibc.listen(socket, Limits.backlog) != 0 { throw Errno(rawValue: errno) }
    }

    /// Refuses connections from now on (`shutdown(2)`).
    static func stopListening(_ socket: CInt) { Sockets.shutDown(socket, .both) }

    /// A socket's address.
    private struct Target {
        var address = sockaddr_storage()
        var length: socklen_t

        init(_ pointer: UnsafePointer<sockaddr>, _ length: socklen_t) {
            self.length = length
            memcpy(&address, pointer, Int(length))
        }

        /// In both families the port comes after the family.
        mutating func setPort(_ port: UInt16) {
            withUnsafeMutableBytes(of: &address) { $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self) }
        }

        static func == (a: Target, b: Target) -> Bool {
            a.length == b.length
                && withUnsafeBytes(of: a.address) { a in withUnsafeBytes(of: b.address) { a.elementsEqual($0) } }
        }
    }

    /// The addresses of a name, each once, or the address itself; one at least.
    private static func resolveAll(_ address: ListenAddress) throws(ListenFailure) -> [Target] {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard code == 0, let found else {
            throw ListenFailure(description: "cannot listen on \(address): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        var targets: [Target] = []
        var next: UnsafeMutablePointer<addrinfo>? = found
        while let entry = next?.pointee {
            let target = Target(entry.ai_addr, entry.ai_addrlen)
            if !targets.contains(where: { $0 == target }) { targets.append(target) }
            next = entry.ai_next
        }
        return targets
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
        _ target: inout Target, sharesPort: Bool, isForIPv6Only: Bool = false
    ) throws(Errno) -> OwnedDescriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(CInt(target.address.ss_family), type, 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let descriptor = OwnedDescriptor(adopting: number)
        var one: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if sharesPort { setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &one, size) }
        if isForIPv6Only, target.address.ss_family == sa_family_t(AF_INET6) {
            setsockopt(number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
        }
        // Accepted sockets inherit it: a response's last segment must not wait for an acknowledgement.
        setsockopt(number, CInt(IPPROTO_TCP), TCP_NODELAY, &one, size)
        let length = target.length
        let result = withUnsafePointer(to: &target.address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(number, $0, length) }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    private static func readAddress(_ socket: CInt, into target: inout Target) throws(Errno) {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &target.address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    private static func describe(_ target: inout Target) -> String {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        let length = target.length
        _ = withUnsafePointer(to: &target.address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, length, &host, socklen_t(host.count), &port, socklen_t(port.count), flags)
            }
        }
        func text(_ bytes: [CChar]) -> String {
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return target.address.ss_family == sa_family_t(AF_INET6)
            ? "[\(text(host))]:\(text(port))" : "\(text(host)):\(text(port))"
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

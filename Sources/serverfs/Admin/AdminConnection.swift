import Glibc
import HTTPServer
import Platform

/// Why the admin side of a serverfs could not be asked, as a sentence.
struct AdminFailure: Error, CustomStringConvertible {
    let description: String
}

/// A connection to the admin side of a running serverfs: one request at a time, with calls that wait. One thread.
final class AdminConnection {
    private let address: ListenAddress
    private let token: String?
    private let socket: OwnedDescriptor
    /// The address that is connected to, as numbers: what the other side knows itself by.
    private let peer: String
    /// Received and not yet used: `received[start...]`.
    private var received: [UInt8] = []
    private var start = 0

    private static let headBytesMax = 64 * 1024

    /// - Parameter timeoutSeconds: how long the other side may send nothing.
    init(_ address: ListenAddress, token: String?, timeoutSeconds: Int = 10) throws(AdminFailure) {
        self.address = address
        self.token = token
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard code == 0, let found else {
            throw AdminFailure(description: "\(address): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        // A name may have several addresses, of which serverfs listens on one: localhost's first is often ::1.
        var failure = Errno.connectionRefused
        var next: UnsafeMutablePointer<addrinfo>? = found
        while let target = next?.pointee {
            do throws(Errno) {
                socket = try Self.connect(target, timeoutSeconds: timeoutSeconds)
                peer = Self.host(of: target)
                return
            } catch {
                failure = error
                next = target.ai_next
            }
        }
        throw AdminFailure(
            description: "no serverfs answers at \(address) (\(failure)): "
                + "--admin names the address that its start has printed")
    }

    private static func connect(_ target: addrinfo, timeoutSeconds: Int) throws(Errno) -> OwnedDescriptor {
        let number = Glibc.socket(target.ai_family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let socket = OwnedDescriptor(adopting: number)
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(number, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        guard Glibc.connect(number, target.ai_addr, target.ai_addrlen) == 0 else { throw Errno(rawValue: errno) }
        return socket
    }

    /// As numbers.
    private static func host(of target: addrinfo) -> String {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        getnameinfo(target.ai_addr, target.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Sends a request without a body, and takes the head of its response, whose body is JSON.
    ///
    /// - Throws: also when the status is not 200, with what the other side says, and when its body is something else: any web
    ///   server may answer with some page.
    func begin(_ method: String, _ target: String) throws(AdminFailure) -> Body {
        let host = peer.contains(":") ? "[\(peer)]" : peer
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host):\(address.port)\r\n"
        if method != "GET" { head += "Content-Length: 0\r\n" }
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        try send(Array((head + "\r\n").utf8))

        let lines = try receiveHead().split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw malformed }
        var body = Body.untilEnd
        var type = ""
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw malformed }
            let value = parts[1].drop { $0 == " " }
            switch parts[0].lowercased() {
            case "content-length":
                guard let count = Int(value), count >= 0 else { throw malformed }
                body = .bytes(count)
            case "transfer-encoding": body = .chunked
            case "content-type": type = value.prefix { $0 != ";" && $0 != " " }.lowercased()
            default: break
            }
        }
        if status == 200, type == "application/json" { return body }
        if status == 200 {
            let what = type.isEmpty ? "something" : TopText.printable(String(type.prefix(60)))
            throw AdminFailure(
                description: "\(address) is not the admin address of a serverfs: it answers with \(what), not with JSON"
            )
        }
        let said = String(decoding: try receiveAll(body), as: UTF8.self).split(separator: "\n").first ?? ""
        throw AdminFailure(description: "\(address) answers \(status): \(TopText.printable(String(said.prefix(300))))")
    }

    /// How a response's body ends.
    enum Body {
        case bytes(Int)
        case chunked
        case untilEnd
    }

    /// A whole body.
    func receiveAll(_ body: Body) throws(AdminFailure) -> [UInt8] {
        var all: [UInt8] = []
        try receive(body) { all += $0 }
        return all
    }

    /// Hands a body on, in pieces as they come. What `take` throws ends it.
    func receive(_ body: Body, _ take: (ArraySlice<UInt8>) throws(AdminFailure) -> Void) throws(AdminFailure) {
        switch body {
        case .bytes(let count): try receive(count, take)
        case .untilEnd:
            while true {
                if start < received.count { try take(received[start...]) }
                start = received.count
                guard try fill() else { return }
            }
        case .chunked:
            while true {
                let line = try receiveLine()
                guard let count = Int(line.prefix { $0 != ";" }, radix: 16), count >= 0 else { throw malformed }
                if count == 0 {
                    while try !receiveLine().isEmpty {}
                    return
                }
                try receive(count, take)
                guard try receiveLine().isEmpty else { throw malformed }
            }
        }
    }

    // MARK: - Parts

    private func receive(
        _ count: Int, _ take: (ArraySlice<UInt8>) throws(AdminFailure) -> Void
    ) throws(AdminFailure) {
        var rest = count
        while rest > 0 {
            if start == received.count, try !fill() { throw cutOff }
            let piece = received[start...].prefix(rest)
            start += piece.count
            rest -= piece.count
            try take(piece)
        }
    }

    private func receiveHead() throws(AdminFailure) -> String {
        var head = ""
        while true {
            let line = try receiveLine()
            if line.isEmpty, !head.isEmpty { return head }
            head += line + "\r\n"
            if head.utf8.count > Self.headBytesMax { throw malformed }
        }
    }

    private func receiveLine() throws(AdminFailure) -> String {
        var searched = start
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = received[start..<end]
                start = end + 1
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            if received.count - start > Self.headBytesMax { throw malformed }
            let unused = received.count - start
            guard try fill() else { throw cutOff }
            searched = start + unused
        }
    }

    /// Receives what there is; false at the connection's end.
    private func fill() throws(AdminFailure) -> Bool {
        received.removeFirst(start)
        start = 0
        let count = withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 16) { buffer in
            var count = 0
            repeat {
                count = recv(socket.rawValue, buffer.baseAddress, buffer.count, 0)
            } while count < 0 && errno == EINTR
            if count > 0 { received += buffer[..<count] }
            return count
        }
        if count < 0, errno != ECONNRESET {
            throw AdminFailure(description: "\(address) does not answer (\(Errno(rawValue: errno)))")
        }
        return count > 0
    }

    private func send(_ bytes: [UInt8]) throws(AdminFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw AdminFailure(description: "\(address) takes no request (\(Errno(rawValue: errno)))")
            }
            rest = rest.dropFirst(count)
        }
    }

    private var malformed: AdminFailure { AdminFailure(description: "\(address) does not answer as a serverfs does") }

    private var cutOff: AdminFailure { AdminFailure(description: "\(address) has cut the answer off") }
}

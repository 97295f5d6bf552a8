import CLibevent
import Glibc

extension AdminRequest {
    /// What matters of it to `AdminAccess`.
    func accessRequest(path: String) -> AdminAccess.Request {
        var request = AdminAccess.Request(
            method: method.rawValue, path: path, hosts: values(of: "host"), localHost: localHost)
        request.query = query
        request.origins = values(of: "origin")
        // More than one is as good as a wrong one.
        let authorizations = values(of: "authorization")
        request.authorization = authorizations.count > 1 ? "" : authorizations.first
        request.cookies = values(of: "cookie")
        request.fetchSite = values(of: "sec-fetch-site").first
        request.fetchMode = values(of: "sec-fetch-mode").first
        request.fetchDestination = values(of: "sec-fetch-dest").first
        return request
    }

    /// The address that the client has connected to; an IPv4 address behind an IPv6 socket is one of IPv4.
    private var localHost: String {
        guard let buffer = connectionBuffer else { return "" }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(bufferevent_getfd(buffer), address, &length) == 0
                    ? getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) : -1
            }
        }
        guard code == 0 else { return "" }
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }
}

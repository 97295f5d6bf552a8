/// Who may use the admin side: the rules that keep a web page in the operator's browser, and everybody else on the network,
/// from reading or switching anything.
///
/// - Host must name this machine by an address or as localhost, with the port: else a name of the attacker's that resolves to
///   127.0.0.1 would make his page one of ours (DNS rebinding).
/// - Origin, where there is one, must be our own, and Sec-Fetch-Site must not say that another site asks.
/// - Where there is a token, it is needed for all but `/healthz`: in Authorization, or by the cookie that `/?token=…` sets.
package struct AdminAccess: Sendable {
    let token: AdminToken?
    /// The cookie's value: made for this process, so that the token is in no cookie.
    let session: String
    let port: UInt16
    /// HOST of `--admin`, as given.
    let givenHost: String

    package init(token: AdminToken?, port: UInt16, givenHost: String) {
        self.token = token
        self.port = port
        self.givenHost = givenHost.lowercased()
        let digits = Array("0123456789abcdef")
        var generator = SystemRandomNumberGenerator()
        session = String((0..<32).map { _ in digits.randomElement(using: &generator)! })
    }

    /// What of a request matters here.
    package struct Request: Sendable {
        package var method: String
        package var path: String
        package var query: [(name: String, value: String)] = []
        /// The values of all its Host fields.
        package var hosts: [String]
        /// The values of all its Origin fields.
        package var origins: [String] = []
        package var authorization: String?
        package var cookies: [String] = []
        package var fetchSite: String?
        package var fetchMode: String?
        package var fetchDestination: String?
        /// The connection's address on this side, without a port.
        package var localHost: String

        package init(method: String = "GET", path: String = "/", hosts: [String], localHost: String = "127.0.0.1") {
            self.method = method
            self.path = path
            self.hosts = hosts
            self.localHost = localHost
        }
    }

    /// What is to become of a request.
    package enum Verdict: Equatable, Sendable {
        case granted
        /// The token was right in the query: the cookie is set, and the page is asked for without it.
        case welcome
        case refused(status: Int, reason: String)
    }

    package func judge(_ request: Request) -> Verdict {
        guard request.hosts.count == 1 else { return .refused(status: 400, reason: "one Host field is needed") }
        guard isOwn(host: request.hosts[0], localHost: request.localHost) else {
            return .refused(status: 403, reason: "Host is not an address of this server with its port")
        }
        for origin in request.origins where origin.lowercased() != "http://\(request.hosts[0].lowercased())" {
            return .refused(status: 403, reason: "Origin is not this server")
        }
        if let site = request.fetchSite, site != "same-origin", site != "none", !isNavigation(request) {
            return .refused(status: 403, reason: "another site asks")
        }
        guard let token else { return .granted }
        if request.path == "/healthz" { return .granted }
        if request.path == "/", let given = request.query.first(where: { $0.name == "token" })?.value {
            return token.matches(given) ? .welcome : .refused(status: 401, reason: "the token is wrong")
        }
        if let authorization = request.authorization {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            let isRight = parts.count == 2 && parts[0].lowercased() == "bearer" && token.matches(parts[1])
            return isRight ? .granted : .refused(status: 401, reason: "the token is wrong")
        }
        let ours = request.cookies.flatMap { $0.split(separator: ";") }.map { $0.drop { $0 == " " } }
            .filter { $0.hasPrefix("\(cookieName)=") }.map { $0.dropFirst(cookieName.utf8.count + 1) }
        if ours.contains(where: { AdminToken.areEqual(Array($0.utf8), Array(session.utf8)) }) { return .granted }
        return .refused(status: 401, reason: "a token is needed: Authorization: Bearer, or /?token=")
    }

    /// The field that sets the cookie. Cookies do not tell ports apart: its name does.
    var cookie: String { "\(cookieName)=\(session); Path=/; HttpOnly; SameSite=Strict" }

    private var cookieName: String { "serverfs-admin-\(port)" }

    /// A link to the page may be followed from anywhere; it is not shown within another's page.
    private func isNavigation(_ request: Request) -> Bool {
        request.method == "GET" && request.path == "/" && request.fetchMode == "navigate"
            && request.fetchDestination == "document"
    }

    private func isOwn(host text: String, localHost: String) -> Bool {
        let text = text.lowercased()
        var host = text[...]
        var given = ""
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            host = text[..<colon]
            given = String(text[text.index(after: colon)...])
            // HTTP's own port may be left out, but not be empty.
            if given.isEmpty { return false }
        }
        guard given == "\(port)" || (given.isEmpty && port == 80) else { return false }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return false }
        } else if host.contains(":") {
            return false
        }
        let name = String(host)
        return name == "localhost" || name == "::1" || isLoopbackIPv4(name) || name == localHost.lowercased()
            || name == givenHost
    }

    /// 127.0.0.0/8, as four numbers.
    private func isLoopbackIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { !$0.isEmpty && $0.count <= 3 && UInt8($0) != nil && $0.allSatisfy(\.isASCII) }
    }
}

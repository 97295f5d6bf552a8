import Testing

@testable import AdminServer

@Suite struct AdminAccessRulesTests {
    private let access = AdminAccess(token: nil, port: 9180, givenHost: "admin.example")

    private func isGranted(_ change: (inout AdminAccess.Request) -> Void) -> Bool {
        var request = AdminAccess.Request(path: "/status", hosts: ["127.0.0.1:9180"])
        change(&request)
        return access.judge(request) == .granted
    }

    @Test(arguments: [
        "127.0.0.1:9180", "localhost:9180", "LocalHost:9180", "[::1]:9180", "127.255.0.7:9180",
        "admin.example:9180", "Admin.Example:9180", "192.0.2.7:9180",
    ])
    func anAddressOfItsOwnIsGranted(_ host: String) {
        #expect(
            isGranted {
                $0.hosts = [host]
                $0.localHost = "192.0.2.7"
            })
    }

    @Test(arguments: [
        "", "127.0.0.1", "localhost", "127.0.0.1:", "127.0.0.1:9181", "127.0.0.1:09180", "127.0.0.1:9180:9180",
        "attacker.example:9180", "127.0.0.1.attacker.example:9180", "localhost.attacker.example:9180",
        "attacker.localhost:9180", "127.1:9180", "127.0.0.256:9180", "127.0.0.1.:9180", "127..0.1:9180",
        "2130706433:9180",
        "0x7f.0.0.1:9180", "192.0.2.8:9180", "::1:9180", "[::1]", "[localhost]:9180", "[127.0.0.1]:9180",
        "user@127.0.0.1:9180", "127.0.0.1:9180/", " 127.0.0.1:9180", "127.0.0.1 :9180", "127.0.0.١:9180",
    ])
    func anyOtherIsRefused(_ host: String) {
        #expect(!isGranted { $0.hosts = [host] })
    }

    @Test func hostIsThereExactlyOnce() {
        #expect(!isGranted { $0.hosts = [] })
        #expect(!isGranted { $0.hosts = ["127.0.0.1:9180", "127.0.0.1:9180"] })
    }

    /// Of HTTP's own port, browsers send none.
    @Test func port80MayBeLeftOut() {
        let access = AdminAccess(token: nil, port: 80, givenHost: "127.0.0.1")
        for (host, isGranted) in [("127.0.0.1", true), ("127.0.0.1:80", true), ("[::1]", true), ("127.0.0.1:", false)] {
            let verdict = access.judge(AdminAccess.Request(path: "/status", hosts: [host]))
            #expect((verdict == .granted) == isGranted, "\(host)")
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:9181", "https://127.0.0.1:9180", "http://localhost:9180", "null", "",
        "http://attacker.example",
        "http://127.0.0.1:9180.attacker.example", "http://127.0.0.1:9180/",
    ])
    func anotherOriginIsRefused(_ origin: String) {
        #expect(isGranted { $0.origins = ["http://127.0.0.1:9180"] })
        #expect(!isGranted { $0.origins = [origin] })
        #expect(!isGranted { $0.origins = ["http://127.0.0.1:9180", origin] })
    }

    @Test func anotherSiteMayOnlyLinkToThePage() {
        for site in ["cross-site", "same-site", "new-word"] {
            func request(_ method: String, _ path: String, _ mode: String, _ destination: String) -> Bool {
                isGranted {
                    $0.method = method
                    $0.path = path
                    $0.fetchSite = site
                    $0.fetchMode = mode
                    $0.fetchDestination = destination
                }
            }
            #expect(request("GET", "/", "navigate", "document"))
            #expect(!request("GET", "/", "navigate", "iframe"))
            #expect(!request("GET", "/", "no-cors", "image"))
            #expect(!request("POST", "/", "navigate", "document"))
            #expect(!request("GET", "/status", "navigate", "document"))
            #expect(!request("PUT", "/bypass", "cors", "empty"))
        }
        for site in ["none", "same-origin"] { #expect(isGranted { $0.fetchSite = site }) }
    }

    @Test func everyProcessHasACookieOfItsOwn() {
        let token = AdminToken(contents: "0123456789abcdef".utf8)
        let one = AdminAccess(token: token, port: 1, givenHost: "")
        let other = AdminAccess(token: token, port: 1, givenHost: "")
        #expect(one.session.count == 32)
        #expect(one.session != other.session)
        #expect(one.cookie != AdminAccess(token: token, port: 2, givenHost: "").cookie)
    }
}

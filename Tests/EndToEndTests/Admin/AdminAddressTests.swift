import Foundation
import Glibc
import Platform
import TestSupport
import Testing

private let hasIPv6 = ProcessFacts.text("/proc/net/if_inet6").contains("00000000000000000000000000000001 ")

extension EndToEnd {
    /// `--admin` with a name that stands for several addresses, as localhost often does.
    @Suite(
        .timeLimit(.minutes(1)),
        .enabled(if: Capability.mountNamespaces, "a name of one's own in /etc/hosts needs unshare -m"),
        .enabled(if: hasIPv6, "there is no ::1 here"))
    struct AdminAddressTests {
        private let folder: PrivateFolder
        private let docroot: String
        /// Runs a program where `both` is ::1 and 127.0.0.1, and `more` is 127.0.0.1 and an address that this machine has not.
        private let prefix: [String]

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", "bytes")
            let hosts = try folder.write(
                "hosts", "127.0.0.1 localhost both\n::1 both\n127.0.0.1 more\n192.0.2.1 more\n::1 six\n")
            prefix = ["unshare", "-m", "sh", "-c", "mount --bind '\(hosts)' /etc/hosts && exec \"$@\"", "sh"]
        }

        private func serve(_ admin: String) throws -> ServerProcess {
            try ServerProcess([docroot, "--listen", "127.0.0.1:0", "--admin", admin], prefix: prefix)
        }

        /// The addresses of the banner's lines for the admin side.
        private func addresses(_ server: ServerProcess) -> [String] {
            server.banner.split(separator: "\n").filter { $0.hasPrefix("  admin ") }
                .map { String($0.split(separator: "/")[1]) }
        }

        /// `/healthz` of `host`, an address as numbers.
        private func health(_ host: String, _ port: UInt16) throws -> String {
            let socket = try connect(host, port)
            let name = host.contains(":") ? "[\(host)]" : host
            let request = "GET /healthz HTTP/1.1\r\nHost: \(name):\(port)\r\nConnection: close\r\n\r\n"
            #expect(send(socket.rawValue, request, request.utf8.count, CInt(MSG_NOSIGNAL)) == request.utf8.count)
            var answer: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(socket.rawValue, &chunk, chunk.count, 0)
                guard count > 0 else { break }
                answer += chunk[..<count]
            }
            return String(decoding: answer, as: UTF8.self)
        }

        private func connect(_ host: String, _ port: UInt16) throws -> OwnedDescriptor {
            var hints = addrinfo()
            hints.ai_flags = AI_NUMERICHOST
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            #expect(getaddrinfo(host, "\(port)", &hints, &found) == 0)
            defer { freeaddrinfo(found) }
            let target = try #require(found).pointee
            let number = socket(target.ai_family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            let connection = OwnedDescriptor(adopting: number)
            guard Glibc.connect(number, target.ai_addr, target.ai_addrlen) == 0 else { throw Errno(rawValue: errno) }
            return connection
        }

        @Test func bothFamiliesAreListenedOnAtOnePort() throws {
            let server = try serve("both:0")
            let port = server.adminPort
            #expect(port != 0)
            #expect(Set(addresses(server)) == ["127.0.0.1:\(port)", "[::1]:\(port)"])
            for host in ["127.0.0.1", "::1"] { #expect(try health(host, port).hasSuffix("\r\n\r\nok\n"), "\(host)") }
            let status = try JSONObject(AdminClient(port: port).fetch("/status").body)
            let options = try #require(status["options"] as? [String: Any])
            #expect(options["admin"] as? [String] == addresses(server))
            #expect(status["requestedOptions.admin"] as? String == "both:0")
            #expect(server.stop() == .exited(0))
        }

        /// Nobody knows by which of the addresses a browser comes: half of them is not enough.
        @Test func aPortThatIsTakenInOneFamilyIsRefused() throws {
            let first = try serve("six:0")
            let port = first.adminPort
            #expect(addresses(first) == ["[::1]:\(port)"])
            try FailedStart(
                [docroot, "--listen", "127.0.0.1:0", "--admin", "both:\(port)"], in: folder, prefix: prefix
            ).expectRefusal("cannot listen on both:\(port)", "Address already in use")
            #expect(first.stop() == .exited(0))
        }

        @Test func anAddressThatTheMachineHasNotIsLeftOut() throws {
            let server = try serve("more:0")
            #expect(addresses(server) == ["127.0.0.1:\(server.adminPort)"])
            #expect(try health("127.0.0.1", server.adminPort).hasSuffix("ok\n"))
        }

        /// All of them must be loopback addresses, or there must be a token.
        @Test func oneAddressThatOthersReachNeedsAToken() throws {
            let hosts = try folder.write("hosts", "127.0.0.1 mixed\n:: mixed\n")
            let prefix = ["unshare", "-m", "sh", "-c", "mount --bind '\(hosts)' /etc/hosts && exec \"$@\"", "sh"]
            try FailedStart([docroot, "--listen", "127.0.0.1:0", "--admin", "mixed:0"], in: folder, prefix: prefix)
                .expectRefusal("--admin mixed:0 ")
        }
    }
}

import Testing

@testable import HTTPServer

@Suite struct ListenAddressTests {
    @Test(
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:80", "::1", 80), ("localhost:0", "localhost", 0),
            ("0.0.0.0:65535", "0.0.0.0", 65535),
        ] as [(String, String, UInt16)])
    func takesAHostAndAPort(text: String, host: String, port: UInt16) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "8080", ":8080", "host:", "host:65536", "host:-1", "host:+1", "[::1:80", "::1]:80", "[[::1]]:80", "host:-0",
        "::1:80", "host:80x", "[]:80",
    ])
    func refusesAnythingElse(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func socketsShareTheChosenPortAmongThemselvesOnly() throws {
        let first = try ListeningSocket.bind(ListenAddress("127.0.0.1:0")!, count: 3)
        #expect(first.sockets.count == 3)
        let taken = try #require(ListenAddress(first.description))
        #expect(taken.port != 0)
        for socket in first.sockets { try ListeningSocket.listen(socket.rawValue) }
        #expect(throws: ListenFailure.self) { _ = try ListeningSocket.bind(taken, count: 1) }
    }

    @Test func anAddressThatIsNotThisMachinesIsRefusedWithItsName() {
        let failure = #expect(throws: ListenFailure.self) {
            _ = try ListeningSocket.bind(ListenAddress("192.0.2.1:80")!, count: 1)
        }
        #expect(failure?.description.contains("192.0.2.1:80") == true)
    }
}

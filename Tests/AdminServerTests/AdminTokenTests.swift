import Testing

@testable import AdminServer

@Suite struct AdminTokenTests {
    @Test func aTokenIsWhatTheFileHoldsWithoutTheSpaceAroundIt() throws {
        let token = try #require(AdminToken(contents: "\n 0123456789abcdef-._~+/= \r\n".utf8))
        #expect(token.matches("0123456789abcdef-._~+/="))
        for other in ["", "0123456789abcdef-._~+/", "0123456789abcdef-._~+/==", "1123456789abcdef-._~+/="] {
            #expect(!token.matches(other))
        }
    }

    @Test(arguments: [
        "", "\n", "123456789012345", "0123456789abcdef 0123456789abcdef", "0123456789abcde;", "0123456789abcdeü",
        "0123456789\n0123456789", String(repeating: "x", count: 257),
    ])
    func whatCannotBeATokenIsNone(_ contents: String) {
        #expect(AdminToken(contents: contents.utf8) == nil)
    }
}

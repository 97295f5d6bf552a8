/// The secret of `--admin-token-file`: who knows it may use the admin side from anywhere.
package struct AdminToken: Sendable {
    private let bytes: [UInt8]

    /// A shorter one could be guessed.
    package static let byteCountMin = 16
    package static let byteCountMax = 256

    /// - Parameter contents: a token file's; spaces and line ends around the token do not count.
    /// - Returns: nil when it is too short or too long, or holds anything but letters, digits and `-._~+/=`, of which tokens
    ///   consist (RFC 6750, section 2.1).
    package init?(contents: some Sequence<UInt8>) {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0d).contains(byte) }
        let bytes = Array(contents.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        guard (Self.byteCountMin...Self.byteCountMax).contains(bytes.count),
            bytes.allSatisfy({ Self.characters.contains($0) })
        else { return nil }
        self.bytes = bytes
    }

    /// Whether a text is the token. It takes as long for one that is nearly right.
    func matches(_ text: some StringProtocol) -> Bool { Self.areEqual(bytes, Array(text.utf8)) }

    /// Compares all bytes, wherever the first difference is.
    static func areEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        guard first.count == second.count else { return false }
        return zip(first, second).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static let characters = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=".utf8)
}

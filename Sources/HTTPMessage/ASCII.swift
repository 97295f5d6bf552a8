/// The bytes that have a meaning of their own in a message.
enum ASCII {
    static let nul: UInt8 = 0
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let number: UInt8 = 0x23
    static let percent: UInt8 = 0x25
    static let asterisk: UInt8 = 0x2A
    static let comma: UInt8 = 0x2C
    static let minus: UInt8 = 0x2D
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let question: UInt8 = 0x3F
    static let leftBracket: UInt8 = 0x5B
    static let rightBracket: UInt8 = 0x5D
    static let delete: UInt8 = 0x7F

    /// Set in lower case, clear in upper case; also set in every digit and in `-`.
    static let lowercaseBit: UInt8 = 0x20
}

/// A set of ASCII bytes: one bit each.
struct ByteSet: Sendable {
    let low: UInt64
    let high: UInt64

    /// `tchar` of RFC 9110 section 5.6.2: what methods and field names are made of.
    @inline(__always)
    static var token: ByteSet { ByteSet(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }

    /// `unreserved` and `sub-delims` of RFC 3986: what registered names are made of, with escapes.
    @inline(__always)
    static var registeredName: ByteSet { ByteSet(low: 0x2bff_7fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }

    /// `pchar` of RFC 3986 without escapes, and `/`: what a path holds unescaped.
    @inline(__always)
    static var path: ByteSet { ByteSet(low: 0x2fff_ffd2_0000_0000, high: 0x47ff_fffe_87ff_ffff) }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word &>> UInt64(byte & 63)) & 1 != 0
    }
}

extension UInt8 {
    /// Whether this is one of `0`…`9`.
    @inline(__always)
    var isDigit: Bool { self &- ASCII.zero < 10 }

    /// Whether this is the whitespace of `OWS`: a space or a tab (RFC 9110 section 5.6.3).
    @inline(__always)
    var isBlank: Bool { self == ASCII.space || self == ASCII.tab }

    /// The value of a hexadecimal digit of either case; nil for another byte.
    @inline(__always)
    var hexValue: UInt8? {
        let digit = self &- ASCII.zero
        if digit < 10 { return digit }
        let letter = (self | ASCII.lowercaseBit) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }
}

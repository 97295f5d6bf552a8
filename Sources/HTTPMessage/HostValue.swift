/// The grammar of `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
enum HostValue {
    /// Whether the bytes in `range` can be a host with an optional port. Nothing at all can: a request without one.
    ///
    /// An address in brackets is checked for its characters, not for being an address: nothing here connects to it.
    static func isValid(_ bytes: RawSpan, in range: Range<Int>) -> Bool {
        if range.isEmpty { return true }
        let hostEnd: Int
        if bytes.byte(at: range.lowerBound) == ASCII.leftBracket {
            guard let end = endOfLiteral(bytes, in: range) else { return false }
            hostEnd = end
        } else {
            guard let end = endOfRegisteredName(bytes, in: range) else { return false }
            hostEnd = end
        }
        if hostEnd == range.upperBound { return true }
        return bytes.byte(at: hostEnd) == ASCII.colon && isPort(bytes, in: (hostEnd + 1)..<range.upperBound)
    }

    /// The offset after the `]` of `[…]`.
    private static func endOfLiteral(_ bytes: RawSpan, in range: Range<Int>) -> Int? {
        let start = range.lowerBound + 1
        guard start < range.upperBound else { return nil }
        let isFuture = bytes.byte(at: start) | ASCII.lowercaseBit == UInt8(ascii: "v")
        var offset = start
        while offset < range.upperBound {
            let byte = bytes.byte(at: offset)
            if byte == ASCII.rightBracket { return offset > start ? offset + 1 : nil }
            let isAddress = byte.hexValue != nil || byte == ASCII.colon || byte == ASCII.dot
            guard isAddress || (isFuture && ByteSet.registeredName.contains(byte)) else { return nil }
            offset += 1
        }
        return nil
    }

    /// The offset of the first byte that is not of a registered name or an IPv4 address; nil after a bad escape.
    private static func endOfRegisteredName(_ bytes: RawSpan, in range: Range<Int>) -> Int? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let byte = bytes.byte(at: offset)
            if ByteSet.registeredName.contains(byte) {
                offset &+= 1
            } else if byte == ASCII.percent {
                guard offset + 2 < range.upperBound, bytes.byte(at: offset + 1).hexValue != nil,
                    bytes.byte(at: offset + 2).hexValue != nil
                else { return nil }
                offset += 3
            } else {
                break
            }
        }
        return offset
    }

    /// The grammar lets a port be empty or have leading zeros; 65535 is TCP's own bound.
    private static func isPort(_ bytes: RawSpan, in range: Range<Int>) -> Bool {
        var port = 0
        for offset in range {
            let byte = bytes.byte(at: offset)
            guard byte.isDigit else { return false }
            port = port * 10 + Int(byte &- ASCII.zero)
            guard port <= 65535 else { return false }
        }
        return true
    }
}

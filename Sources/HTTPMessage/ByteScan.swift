/// Eight bytes of text looked at together: a flag is the top bit of its byte.
private struct Octet {
    let word: UInt64

    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    init(_ word: UInt64) { self.word = word }

    /// Flags bytes above ASCII.
    @inline(__always)
    var aboveASCII: UInt64 { word & Self.tops }

    /// Flags bytes below `bound`. The first flag is always right; a borrow can wrongly set one only after it.
    @inline(__always)
    func below(_ bound: UInt8) -> UInt64 { (word &- Self.ones &* UInt64(bound)) & ~word & Self.tops }

    /// Flags bytes equal to `byte`; as exact as `below`.
    @inline(__always)
    func equal(_ byte: UInt8) -> UInt64 { Octet(word ^ (Self.ones &* UInt64(byte))).below(1) }

    /// Flags bytes other than ASCII letters and `-`, exactly: seven bits and a bound never carry into the next byte.
    @inline(__always)
    var notLetterOrMinus: UInt64 {
        let lowercase = (word | Self.ones &* UInt64(ASCII.lowercaseBit)) & ~Self.tops
        let fromA = lowercase &+ Self.ones &* UInt64(0x80 - UInt8(ascii: "a"))
        let afterZ = lowercase &+ Self.ones &* UInt64(0x7F - UInt8(ascii: "z"))
        let notMinus = ((word ^ Self.ones &* UInt64(ASCII.minus)) & ~Self.tops) &+ Self.ones &* 0x7F
        return ((~fromA | afterZ) & notMinus | word) & Self.tops
    }

    /// The index of the first flagged byte.
    @inline(__always)
    static func firstFlag(_ flags: UInt64) -> Int { flags.trailingZeroBitCount &>> 3 }
}

extension RawSpan {
    /// The byte at `offset`, which is checked against the span.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount))
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The byte at an offset that the caller has just compared with `byteCount`; a check here halves the speed.
    @inline(__always)
    private func byte(uncheckedAt offset: Int) -> UInt8 {
        assert(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The eight bytes from an offset that the caller has just compared, the first byte in the lowest place.
    @inline(__always)
    private func octet(uncheckedAt offset: Int) -> Octet {
        assert(offset >= 0 && offset + 8 <= byteCount)
        let word = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        return Octet(UInt64(littleEndian: word))
    }

    /// The offset of the first byte in `start..<limit` that is not of a token; `limit` when there is none.
    @inline(__always)
    func endOfToken(from start: Int, limit: Int) -> Int {
        precondition(start >= 0 && limit <= byteCount)
        var offset = start
        while offset < limit {
            if offset &+ 8 <= limit {
                let flags = octet(uncheckedAt: offset).notLetterOrMinus
                if flags == 0 {
                    offset &+= 8
                    continue
                }
                offset &+= Octet.firstFlag(flags)
            }
            guard ByteSet.token.contains(byte(uncheckedAt: offset)) else { return offset }
            offset &+= 1
        }
        return offset
    }

    /// The offset of the first byte that is not of a request-target: anything but visible ASCII, or `#`.
    @inline(__always)
    func endOfTarget(from start: Int, limit: Int) -> Int {
        precondition(start >= 0 && limit <= byteCount)
        var offset = start
        while offset &+ 8 <= limit {
            let octet = octet(uncheckedAt: offset)
            let marks = octet.equal(ASCII.delete) | octet.equal(ASCII.number)
            let flags = octet.below(0x21) | marks | octet.aboveASCII
            if flags != 0 { return offset &+ Octet.firstFlag(flags) }
            offset &+= 8
        }
        while offset < limit {
            let byte = byte(uncheckedAt: offset)
            if byte < 0x21 || byte >= ASCII.delete || byte == ASCII.number { return offset }
            offset &+= 1
        }
        return offset
    }

    /// The offset of the first control character other than a tab, which ends a field value.
    @inline(__always)
    func endOfFieldValue(from start: Int, limit: Int) -> Int {
        precondition(start >= 0 && limit <= byteCount)
        var offset = start
        while offset < limit {
            if offset &+ 8 <= limit {
                let octet = octet(uncheckedAt: offset)
                let flags = octet.below(0x20) | octet.equal(ASCII.delete)
                if flags == 0 {
                    offset &+= 8
                    continue
                }
                offset &+= Octet.firstFlag(flags)
            }
            let byte = byte(uncheckedAt: offset)
            if (byte < 0x20 && byte != ASCII.tab) || byte == ASCII.delete { return offset }
            offset &+= 1
        }
        return offset
    }
}

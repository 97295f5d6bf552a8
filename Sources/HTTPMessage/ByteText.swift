extension RawSpan {
    /// Whether the bytes from `offset` start with `text`.
    @inline(__always)
    func hasText(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset + count <= byteCount else { return false }
        for index in 0..<count {
            let expected = unsafe text.utf8Start[index]
            if byte(at: offset + index) != expected { return false }
        }
        return true
    }

    /// Whether the bytes in `range` are `text`, in any case. The text is lower case letters and `-`; the bytes must
    /// have no control characters, which could be taken for `-`.
    @inline(__always)
    func isText(_ text: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            let expected = unsafe text.utf8Start[index]
            if byte(at: range.lowerBound + index) | ASCII.lowercaseBit != expected { return false }
        }
        return true
    }

    /// `range` without the whitespace at its ends.
    @inline(__always)
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, byte(at: start).isBlank { start &+= 1 }
        while start < end, byte(at: end &- 1).isBlank { end &-= 1 }
        return start..<end
    }

    /// The next element of the comma-separated list in `rest`, trimmed, which is taken off `rest`; nil at its end.
    /// For lists without quoted strings.
    func nextListElement(_ rest: inout Range<Int>) -> Range<Int>? {
        guard !rest.isEmpty else { return nil }
        var end = rest.lowerBound
        while end < rest.upperBound, byte(at: end) != ASCII.comma { end &+= 1 }
        let element = trimmed(rest.lowerBound..<end)
        rest = min(end + 1, rest.upperBound)..<rest.upperBound
        return element
    }
}

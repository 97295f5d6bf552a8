/// The strong entity-tag of a file's content: `"<mtime in ns>-<size>"`, both in hexadecimal (RFC 9110 section 8.8.3).
/// Any thread.
///
/// Strong as far as the file system's clock is: two writes that leave the size the same within one tick of it share a
/// tag. Nothing cheaper than the content tells them apart.
package struct EntityTag: BitwiseCopyable, Equatable, Sendable {
    /// The most bytes a tag takes when written.
    package static let bytesMax = 35

    /// The size of the file in bytes.
    package let size: UInt64

    /// When the content last changed, in nanoseconds since 1970.
    package let modificationTimeNanoseconds: Int64

    @inlinable
    package init(size: UInt64, modificationTimeNanoseconds: Int64) {
        self.size = size
        self.modificationTimeNanoseconds = modificationTimeNanoseconds
    }

    /// Writes the tag with its quotes to the start of `output`, which must have `bytesMax` bytes.
    ///
    /// - Returns: the number of bytes written. A time before 1970 is written as its two's complement.
    @discardableResult
    package func write(into output: UnsafeMutableRawBufferPointer) -> Int {
        precondition(output.count >= Self.bytesMax)
        var count = 0
        unsafe Self.put(ASCII.quote, output, &count)
        unsafe Self.putHexadecimal(UInt64(bitPattern: modificationTimeNanoseconds), output, &count)
        unsafe Self.put(ASCII.minus, output, &count)
        unsafe Self.putHexadecimal(size, output, &count)
        unsafe Self.put(ASCII.quote, output, &count)
        return count
    }

    @inline(__always)
    private static func put(_ byte: UInt8, _ output: UnsafeMutableRawBufferPointer, _ count: inout Int) {
        unsafe output[count] = byte
        count += 1
    }

    @inline(__always)
    private static func putHexadecimal(
        _ value: UInt64, _ output: UnsafeMutableRawBufferPointer, _ count: inout Int
    ) {
        var place = max(1, (67 - value.leadingZeroBitCount) / 4)
        while place > 0 {
            place -= 1
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * place)) & 0xF
            unsafe put(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "a") + digit - 10, output, &count)
        }
    }

    /// Whether an If-None-Match value names this tag, by weak comparison (RFC 9110 sections 8.8.3.2 and 13.1.2).
    ///
    /// `*` alone names every tag. A list element that is not an entity-tag matches nothing and is skipped up to its
    /// comma.
    package func matches(ifNoneMatch value: RawSpan) -> Bool {
        let trimmed = value.trimmed(0..<value.byteCount)
        if trimmed.count == 1, value.byte(at: trimmed.lowerBound) == ASCII.asterisk { return true }
        var scanner = EntityTagScanner(rest: trimmed)
        while let candidate = scanner.next(value) {
            if isWritten(in: value, at: candidate) { return true }
        }
        return false
    }

    /// Whether an If-Range value is this tag, by strong comparison: a weak one never is (RFC 9110 section 13.1.5).
    package func matches(ifRange value: RawSpan) -> Bool {
        isWritten(in: value, at: value.trimmed(0..<value.byteCount))
    }

    /// Whether the bytes in `range`, quotes and all, are this tag as written.
    private func isWritten(in bytes: RawSpan, at range: Range<Int>) -> Bool {
        guard range.count <= Self.bytesMax else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: Self.bytesMax, alignment: 1) { text in
            guard unsafe write(into: text) == range.count else { return false }
            for index in 0..<range.count {
                let expected = unsafe text[index]
                if bytes.byte(at: range.lowerBound + index) != expected { return false }
            }
            return true
        }
    }
}

/// The entity-tags of a comma-separated list, one after the other.
private struct EntityTagScanner {
    /// What is still to be read of the list.
    var rest: Range<Int>

    /// The next well-formed tag from quote to quote, without its `W/`; nil at the end of the list.
    mutating func next(_ bytes: RawSpan) -> Range<Int>? {
        while !rest.isEmpty {
            let element = takeElement(bytes)
            if let element { return element }
        }
        return nil
    }

    /// Takes the bytes up to the next comma outside of quotes; nil when they are not an entity-tag.
    private mutating func takeElement(_ bytes: RawSpan) -> Range<Int>? {
        let limit = rest.upperBound
        var offset = rest.lowerBound
        while offset < limit, bytes.byte(at: offset).isBlank { offset += 1 }
        if offset + 1 < limit, bytes.hasText("W/", at: offset) { offset += 2 }
        let start = offset
        var end: Int?
        if offset < limit, bytes.byte(at: offset) == ASCII.quote {
            offset += 1
            while offset < limit, isTagCharacter(bytes.byte(at: offset)) { offset += 1 }
            if offset < limit, bytes.byte(at: offset) == ASCII.quote {
                offset += 1
                end = offset
            }
        }
        while offset < limit, bytes.byte(at: offset) != ASCII.comma {
            if !bytes.byte(at: offset).isBlank { end = nil }
            offset += 1
        }
        rest = min(offset + 1, limit)..<limit
        return end.map { start..<$0 }
    }

    /// `etagc`: visible ASCII but the quote, and bytes above ASCII.
    private func isTagCharacter(_ byte: UInt8) -> Bool {
        byte > ASCII.space && byte != ASCII.quote && byte != ASCII.delete
    }
}

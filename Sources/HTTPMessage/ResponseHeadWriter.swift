/// Writes a response head into a caller's buffer (RFC 9112 section 4), which must outlive the writer.
///
/// Never writes past the end of the buffer and never allocates: when something does not fit, `overflowed` is set and
/// nothing more is written. Any thread, one at a time.
@safe
package struct ResponseHeadWriter {
    private let output: UnsafeMutableRawBufferPointer

    /// Bytes written so far.
    package private(set) var count = 0

    /// Whether something did not fit: what was written is not a head.
    package private(set) var overflowed = false

    package init(_ output: UnsafeMutableRawBufferPointer) {
        unsafe self.output = output
    }

    /// Writes `HTTP/1.1 <code> <reason>` and its line end.
    package mutating func statusLine(_ status: HTTPStatus) {
        append("HTTP/1.1 ")
        append(decimal: UInt64(status.rawValue))
        append(" ")
        append(status.reasonPhrase)
        append("\r\n")
    }

    package mutating func field(_ name: StaticString, _ value: StaticString) {
        beginField(name)
        append(value)
        endField()
    }

    /// A field with the bytes of `value`, cleaned as `append(_:)` does.
    package mutating func field(_ name: StaticString, _ value: RawSpan) {
        beginField(name)
        append(value)
        endField()
    }

    package mutating func field(_ name: StaticString, decimal value: UInt64) {
        beginField(name)
        append(decimal: value)
        endField()
    }

    /// A field with an IMF-fixdate, of seconds since 1970.
    package mutating func field(_ name: StaticString, dateSeconds: Int64) {
        beginField(name)
        if let room = unsafe take(HTTPDate.byteCount) { unsafe HTTPDate.format(dateSeconds, into: room) }
        endField()
    }

    /// The ETag field.
    package mutating func entityTag(_ tag: EntityTag) {
        beginField("ETag")
        unsafe withUnsafeTemporaryAllocation(byteCount: EntityTag.bytesMax, alignment: 1) { text in
            let length = unsafe tag.write(into: text)
            unsafe append(text.baseAddress!, count: length)
        }
        endField()
    }

    /// The Content-Range field of a 206 (RFC 9110 section 14.4): `count` bytes, at least one, from `first`.
    package mutating func contentRange(first: UInt64, count: UInt64, size: UInt64) {
        beginField("Content-Range")
        append("bytes ")
        append(decimal: first)
        append("-")
        append(decimal: first &+ count &- 1)
        append("/")
        append(decimal: size)
        endField()
    }

    /// The Content-Range field of a 416.
    package mutating func unsatisfiedContentRange(size: UInt64) {
        beginField("Content-Range")
        append("bytes */")
        append(decimal: size)
        endField()
    }

    /// Writes the empty line that ends the head.
    package mutating func endOfHead() { append("\r\n") }

    /// Starts a field whose value is put together by `append` calls, up to `endField()`.
    @inline(__always)
    package mutating func beginField(_ name: StaticString) {
        append(name)
        append(": ")
    }

    @inline(__always)
    package mutating func endField() { append("\r\n") }
}

extension ResponseHeadWriter {
    /// Writes text of our own, as it is.
    @inline(__always)
    package mutating func append(_ text: StaticString) {
        unsafe append(text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Writes bytes that may come from outside: CR, LF and NUL become spaces, so that no line can be forged
    /// (RFC 9110 section 5.5).
    package mutating func append(_ bytes: RawSpan) {
        guard let room = unsafe take(bytes.byteCount) else { return }
        for offset in 0..<bytes.byteCount {
            let byte = bytes.byte(at: offset)
            let breaksLine = byte == ASCII.carriageReturn || byte == ASCII.lineFeed || byte == ASCII.nul
            unsafe room[offset] = breaksLine ? ASCII.space : byte
        }
    }

    /// Writes lines that a writer has made before, as they are.
    @inline(__always)
    package mutating func append(verbatim lines: UnsafeRawBufferPointer) {
        guard let start = lines.baseAddress else { return }
        unsafe append(start, count: lines.count)
    }

    /// Writes a decoded path as the path of a URI: what RFC 3986 section 3.3 has no place for is escaped.
    package mutating func append(percentEncodingPath path: RawSpan) {
        let digits: StaticString = "0123456789ABCDEF"
        for offset in 0..<path.byteCount {
            let byte = path.byte(at: offset)
            if ByteSet.path.contains(byte) {
                if let room = unsafe take(1) { unsafe room[0] = byte }
            } else if let room = unsafe take(3) {
                unsafe room[0] = ASCII.percent
                unsafe room[1] = digits.utf8Start[Int(byte >> 4)]
                unsafe room[2] = digits.utf8Start[Int(byte & 0xF)]
            }
        }
    }

    /// Writes a number in decimal.
    package mutating func append(decimal value: UInt64) {
        var digitCount = 1
        var bound: UInt64 = 10
        while digitCount < 20, value >= bound {
            digitCount &+= 1
            bound = bound &* 10
        }
        guard let room = unsafe take(digitCount) else { return }
        var rest = value
        var index = digitCount
        while index > 0 {
            index &-= 1
            let quotient = rest / 10
            unsafe room[index] = ASCII.zero &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
            rest = quotient
        }
    }

    @inline(__always)
    private mutating func append(_ start: UnsafeRawPointer, count length: Int) {
        guard let room = unsafe take(length) else { return }
        unsafe room.baseAddress?.copyMemory(from: start, byteCount: length)
    }

    /// The next `length` bytes of the buffer, or nil and an overflow when it does not have them.
    @inline(__always)
    private mutating func take(_ length: Int) -> UnsafeMutableRawBufferPointer? {
        guard !overflowed, unsafe length <= output.count &- count else {
            overflowed = true
            return nil
        }
        let start = count
        count &+= length
        return unsafe UnsafeMutableRawBufferPointer(rebasing: output[start..<count])
    }
}

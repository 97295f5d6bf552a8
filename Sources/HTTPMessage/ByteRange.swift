/// What a Range field asks of a file (RFC 9110 section 14.1.2). Any thread.
package enum ByteRange: BitwiseCopyable, Equatable, Sendable {
    /// The whole file: the field is not valid, has another unit, or several ranges, all of which a server may ignore.
    case whole

    /// `count` bytes, at least one, from offset `first`.
    case partial(first: UInt64, count: UInt64)

    /// Nothing of the file: 416.
    case unsatisfiable

    /// Reads a trimmed Range value against a file of `size` bytes. Numbers of any length are read, up to saturation.
    ///
    /// Of an empty file the last n bytes are the whole: there is no Content-Range that could name them.
    package static func parse(_ value: RawSpan, size: UInt64) -> ByteRange {
        let count = value.byteCount
        let unitEnd = value.endOfToken(from: 0, limit: count)
        guard value.isText("bytes", in: 0..<unitEnd), unitEnd < count, value.byte(at: unitEnd) == UInt8(ascii: "=")
        else { return .whole }
        var offset = unitEnd + 1
        let first = number(value, &offset)
        guard offset < count, value.byte(at: offset) == ASCII.minus else { return .whole }
        offset += 1
        let last = number(value, &offset)
        // Anything left over is a list, or not valid.
        guard offset == count else { return .whole }

        switch (first, last) {
        case (nil, nil):
            return .whole
        case (nil, let suffix?):
            if suffix == 0 { return .unsatisfiable }
            if size == 0 { return .whole }
            let length = min(suffix, size)
            return .partial(first: size - length, count: length)
        case (let first?, let last):
            if let last, last < first { return .whole }
            if first >= size { return .unsatisfiable }
            return .partial(first: first, count: min(last ?? UInt64.max, size - 1) - first + 1)
        }
    }

    /// The number at `offset`, which is moved behind it; nil without a digit, `UInt64.max` when it is greater.
    private static func number(_ bytes: RawSpan, _ offset: inout Int) -> UInt64? {
        let start = offset
        var value: UInt64 = 0
        while offset < bytes.byteCount, bytes.byte(at: offset).isDigit {
            let (tens, tensOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(UInt64(bytes.byte(at: offset) &- ASCII.zero))
            value = tensOverflow || sumOverflow ? UInt64.max : sum
            offset += 1
        }
        return offset > start ? value : nil
    }
}

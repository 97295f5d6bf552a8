/// Reads request heads (RFC 9112, strictly). Any thread.
///
/// Strict where a proxy in front could read the same bytes in another way: lines end in CRLF only, no folding, no
/// whitespace before the colon. A mistake is reported as soon as its byte is there, a head that is only short never.
package enum RequestParser {
    /// Parses the head at the start of `bytes`; bytes after it are not looked at.
    ///
    /// To be called again from the start of the same head as more bytes arrive. A call looks at each byte of at most
    /// `RequestLimits.headBytesMax`, once in nearly all heads, and does not allocate.
    package static func parse(_ bytes: RawSpan) -> ParseOutcome {
        let limit = min(bytes.byteCount, RequestLimits.headBytesMax)
        var builder = RequestHeadBuilder()
        do throws(ParseStop) {
            try parseHead(bytes, limit: limit, into: &builder)
            return .complete(builder.head)
        } catch {
            switch error {
            case .invalid(let reason): return .invalid(reason)
            case .incomplete where limit == RequestLimits.headBytesMax: return .invalid(.headTooLarge)
            case .incomplete: return .incomplete
            }
        }
    }

    @inline(__always)
    private static func parseHead(
        _ bytes: RawSpan, limit: Int, into builder: inout RequestHeadBuilder
    ) throws(ParseStop) {
        var position = try skipEmptyLines(bytes, limit: limit)
        builder.head.method = try parseMethod(bytes, &position, limit: limit)
        builder.head.target = try parseTarget(bytes, &position, limit: limit)
        builder.head.minorVersion = try parseVersion(bytes, &position, limit: limit)
        position = try endOfLine(bytes, at: position, limit: limit)
        try parseFields(bytes, &position, limit: limit, into: &builder)
        try builder.finish(byteCount: position)
    }

    /// The offset after the CRLF that must be at `position`.
    @inline(__always)
    private static func endOfLine(_ bytes: RawSpan, at position: Int, limit: Int) throws(ParseStop) -> Int {
        guard position < limit else { throw .incomplete }
        guard bytes.byte(at: position) == ASCII.carriageReturn else { throw .bad }
        guard position &+ 1 < limit else { throw .incomplete }
        guard bytes.byte(at: position &+ 1) == ASCII.lineFeed else { throw .bad }
        return position &+ 2
    }

    @inline(__always)
    private static func skipEmptyLines(_ bytes: RawSpan, limit: Int) throws(ParseStop) -> Int {
        var position = 0
        while position < limit, bytes.byte(at: position) == ASCII.carriageReturn {
            guard position < 2 * RequestLimits.emptyLinesMax else { throw .bad }
            position = try endOfLine(bytes, at: position, limit: limit)
        }
        return position
    }

    @inline(__always)
    private static func parseMethod(
        _ bytes: RawSpan, _ position: inout Int, limit: Int
    ) throws(ParseStop) -> RequestMethod {
        let start = position
        let end = bytes.endOfToken(from: start, limit: min(limit, start + RequestLimits.methodBytesMax + 1))
        guard end - start <= RequestLimits.methodBytesMax else { throw .bad }
        guard end < limit else { throw .incomplete }
        guard end > start, bytes.byte(at: end) == ASCII.space else { throw .bad }
        guard let method = RequestMethod(bytes, in: start..<end) else { throw .invalid(.unknownMethod) }
        position = end + 1
        return method
    }

    @inline(__always)
    private static func parseTarget(
        _ bytes: RawSpan, _ position: inout Int, limit: Int
    ) throws(ParseStop) -> ByteSlice {
        let start = position
        let end = bytes.endOfTarget(from: start, limit: min(limit, start + RequestLimits.targetBytesMax + 1))
        guard end - start <= RequestLimits.targetBytesMax else { throw .invalid(.targetTooLong) }
        guard end < limit else { throw .incomplete }
        guard end > start, bytes.byte(at: end) == ASCII.space else { throw .bad }
        position = end + 1
        return ByteSlice(start..<end)
    }

    /// The minor version of the `HTTP/d.d` at `position`.
    private static func parseVersion(
        _ bytes: RawSpan, _ position: inout Int, limit: Int
    ) throws(ParseStop) -> UInt8 {
        let pattern: StaticString = "HTTP/0.0"
        for index in 0..<8 {
            guard position &+ index < limit else { throw .incomplete }
            let byte = bytes.byte(at: position &+ index)
            let expected = unsafe pattern.utf8Start[index]
            guard expected == ASCII.zero ? byte.isDigit : byte == expected else { throw .bad }
        }
        guard bytes.byte(at: position &+ 5) == UInt8(ascii: "1") else { throw .invalid(.unsupportedVersion) }
        let minor = bytes.byte(at: position &+ 7) &- ASCII.zero
        position &+= 8
        return min(minor, 1)
    }

    /// Reads field lines up to and with the empty line that ends the head.
    @inline(__always)
    private static func parseFields(
        _ bytes: RawSpan, _ position: inout Int, limit: Int, into builder: inout RequestHeadBuilder
    ) throws(ParseStop) {
        var fieldCount = 0
        while true {
            guard position < limit else { throw .incomplete }
            if bytes.byte(at: position) == ASCII.carriageReturn { break }
            // A folded line starts with whitespace, which is not of a token: it falls out below.
            guard fieldCount < RequestLimits.headerFieldsMax else { throw .invalid(.headTooLarge) }
            fieldCount &+= 1
            let name = position..<bytes.endOfToken(from: position, limit: limit)
            guard name.upperBound < limit else { throw .incomplete }
            guard !name.isEmpty, bytes.byte(at: name.upperBound) == ASCII.colon else { throw .bad }
            let valueEnd = bytes.endOfFieldValue(from: name.upperBound &+ 1, limit: limit)
            position = try endOfLine(bytes, at: valueEnd, limit: limit)
            try builder.takeField(bytes, name: name, value: (name.upperBound &+ 1)..<valueEnd)
        }
        position = try endOfLine(bytes, at: position, limit: limit)
    }
}

/// Why parsing ended before the end of the head.
enum ParseStop: Error {
    case incomplete
    case invalid(RequestError)

    @inline(__always)
    static var bad: ParseStop { .invalid(.badRequest) }
}

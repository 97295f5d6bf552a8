/// The file a request-target names: its path below the docroot, decoded and without any way out of it. Any thread.
package struct RequestPath: BitwiseCopyable, Equatable, Sendable {
    /// The length of the path in bytes, without its NUL. 0 is the docroot itself.
    package let byteCount: Int

    /// Whether the target ended in a `/` or a dot segment, so that only a directory answers it.
    package let isDirectory: Bool

    /// The raw query after the `?`, as offsets into the target; absent when there is no `?`.
    package let query: ByteSlice

    /// Decodes a request-target into `output` (RFC 9112 section 3.2, RFC 3986 sections 5.2.4 and 6.2.2).
    ///
    /// Takes the origin-form and, with http or https, the absolute-form, whose authority is checked and not used.
    /// Escapes are decoded once and `%2F` separates like `/`; then slashes are merged and dot segments applied. What is
    /// written has no `/` at its start or end and no empty, `.` or `..` segment, and ends in a NUL for C. Bytes above
    /// ASCII and control characters are taken from escapes as they are, so a path is never to be echoed unescaped.
    ///
    /// - Throws: `.badRequest` for another form, a bad escape, a NUL, a byte that is not of a target, or a `..` above
    ///   the docroot; `.targetTooLong` when the path and its NUL do not fit `output` or `RequestLimits.pathBytesMax`.
    package static func decode(
        target: RawSpan, into output: UnsafeMutableRawBufferPointer
    ) throws(RequestError) -> RequestPath {
        var position = try startOfPath(target)
        guard var builder = unsafe PathBuilder(output: output, byteCountMax: RequestLimits.pathBytesMax)
        else { throw .targetTooLong }
        var query = ByteSlice.absent
        while position < target.byteCount {
            var byte = target.byte(at: position)
            position &+= 1
            if byte == ASCII.question {
                query = ByteSlice(position..<target.byteCount)
                break
            }
            if byte == ASCII.percent {
                byte = try decodeEscape(target, at: position)
                position &+= 2
            } else if byte <= ASCII.space || byte >= ASCII.delete || byte == ASCII.number {
                throw .badRequest
            }
            if byte == ASCII.slash {
                try builder.endSegment()
            } else {
                try builder.append(byte)
            }
        }
        try builder.endSegment()
        builder.terminate()
        return RequestPath(byteCount: builder.end, isDirectory: builder.isDirectory, query: query)
    }

    /// The byte whose two hexadecimal digits are at `position`.
    @inline(__always)
    private static func decodeEscape(_ target: RawSpan, at position: Int) throws(RequestError) -> UInt8 {
        guard position + 1 < target.byteCount, let high = target.byte(at: position).hexValue,
            let low = target.byte(at: position + 1).hexValue, high | low != 0
        else { throw .badRequest }
        return high << 4 | low
    }

    /// The offset of the path: 0, or after the authority of an absolute-form, where the path may also be missing.
    @inline(__always)
    private static func startOfPath(_ target: RawSpan) throws(RequestError) -> Int {
        guard target.byteCount > 0 else { throw .badRequest }
        if target.byte(at: 0) == ASCII.slash { return 0 }
        return try endOfAuthority(target)
    }

    private static func endOfAuthority(_ target: RawSpan) throws(RequestError) -> Int {
        let count = target.byteCount
        let schemeEnd = target.endOfToken(from: 0, limit: count)
        let scheme = 0..<schemeEnd
        guard target.isText("http", in: scheme) || target.isText("https", in: scheme),
            target.hasText("://", at: schemeEnd)
        else { throw .badRequest }
        let start = schemeEnd + 3
        var end = start
        while end < count, target.byte(at: end) != ASCII.slash, target.byte(at: end) != ASCII.question { end += 1 }
        // RFC 9110 section 4.2: without a host the URI is not valid; user information is an error, and no host holds @.
        guard end > start, target.byte(at: start) != ASCII.colon, HostValue.isValid(target, in: start..<end)
        else { throw .badRequest }
        return end
    }
}

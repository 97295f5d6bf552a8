/// A request head while its fields come in: the fields that decide about framing and the connection are digested here.
struct RequestHeadBuilder {
    var head = RequestHead()
    private var hasClose = false
    private var hasKeepAlive = false
    private var hasContentLength = false
    private var hasTransferEncoding = false

    /// Takes one field line: its name is a token, its value, still with whitespace around, has no control characters.
    @inline(__always)
    mutating func takeField(_ bytes: RawSpan, name: Range<Int>, value: Range<Int>) throws(ParseStop) {
        switch name.count {
        case 4 where bytes.isText("host", in: name):
            guard !head.host.isPresent else { throw .bad }
            let host = bytes.trimmed(value)
            guard HostValue.isValid(bytes, in: host) else { throw .bad }
            head.host = ByteSlice(host)
        case 5 where bytes.isText("range", in: name):
            Self.takeSingle(bytes, value, into: &head.range)
        case 8 where bytes.isText("if-range", in: name):
            Self.takeSingle(bytes, value, into: &head.ifRange)
        case 10 where bytes.isText("connection", in: name):
            takeConnection(bytes, value)
        case 13 where bytes.isText("if-none-match", in: name):
            Self.takeSingle(bytes, value, into: &head.ifNoneMatch)
        case 14 where bytes.isText("content-length", in: name):
            try takeContentLength(bytes, bytes.trimmed(value))
        case 17 where bytes.isText("if-modified-since", in: name):
            Self.takeSingle(bytes, value, into: &head.ifModifiedSince)
        case 17 where bytes.isText("transfer-encoding", in: name):
            try takeTransferEncoding(bytes, value)
        default:
            break
        }
    }

    /// Finishes `head`, once what only shows at its end is checked.
    @inline(__always)
    mutating func finish(byteCount: Int) throws(ParseStop) {
        if head.minorVersion == 1 {
            guard head.host.isPresent else { throw .bad }
        }
        if hasTransferEncoding {
            // RFC 9112 sections 6.1 and 6.3: each of these is how one request is smuggled inside another.
            guard head.isChunked, !hasContentLength, head.minorVersion == 1 else { throw .bad }
        }
        head.wantsKeepAlive = !hasClose && (head.minorVersion == 1 || hasKeepAlive)
        head.byteCount = byteCount
    }

    /// A field that may appear once; the second leaves a present but empty value, see `RequestHead`.
    private static func takeSingle(_ bytes: RawSpan, _ value: Range<Int>, into slice: inout ByteSlice) {
        slice = ByteSlice(slice.isPresent ? value.lowerBound..<value.lowerBound : bytes.trimmed(value))
    }

    /// RFC 9110 section 7.6.1. Options other than the two that concern the connection's life are not ours.
    private mutating func takeConnection(_ bytes: RawSpan, _ value: Range<Int>) {
        var rest = value
        while let option = bytes.nextListElement(&rest) {
            if bytes.isText("close", in: option) { hasClose = true }
            if bytes.isText("keep-alive", in: option) { hasKeepAlive = true }
        }
    }

    /// RFC 9110 section 8.6. The same number again is harmless; another one, or a list, is not.
    private mutating func takeContentLength(_ bytes: RawSpan, _ value: Range<Int>) throws(ParseStop) {
        guard !value.isEmpty else { throw .bad }
        var length: UInt64 = 0
        for offset in value {
            let byte = bytes.byte(at: offset)
            guard byte.isDigit else { throw .bad }
            let (tens, tensOverflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(UInt64(byte &- ASCII.zero))
            guard !tensOverflow, !sumOverflow else { throw .bad }
            length = sum
        }
        guard !hasContentLength || length == head.contentLength else { throw .bad }
        hasContentLength = true
        head.contentLength = length
    }

    /// RFC 9112 section 6.1: in all Transfer-Encoding fields together `chunked` must come last and once.
    private mutating func takeTransferEncoding(_ bytes: RawSpan, _ value: Range<Int>) throws(ParseStop) {
        hasTransferEncoding = true
        var rest = value
        while let coding = bytes.nextListElement(&rest) {
            if coding.isEmpty { continue }
            guard !head.isChunked else { throw .bad }
            head.isChunked = bytes.isText("chunked", in: coding)
        }
    }
}

/// What the server needs of a request head: the request line, and the fields it acts on.
///
/// Slices are offsets into the bytes given to `RequestParser.parse(_:)`. Of a field that may appear once and appeared
/// more often, the slice is present and empty. That reads as a value that never matches or is not valid, so: a repeated
/// If-None-Match does not match (the whole file is sent, and If-Modified-Since stays unused), a repeated
/// If-Modified-Since or Range is ignored, and a repeated If-Range makes Range ignored. Any thread.
package struct RequestHead: BitwiseCopyable, Equatable, Sendable {
    package internal(set) var method = RequestMethod.get

    /// The minor version: 0, or 1 for 1.1 and anything later (RFC 9110 section 2.5).
    package internal(set) var minorVersion: UInt8 = 1

    /// Whether the client lets the connection live on (RFC 9112 section 9.3): the version and every Connection field.
    package internal(set) var wantsKeepAlive = true

    /// Whether the body is in chunks: there is a Transfer-Encoding that ends in `chunked`.
    package internal(set) var isChunked = false

    /// The length of the head in bytes, with its empty line and any empty lines in front of the request line.
    package internal(set) var byteCount = 0

    /// Content-Length in bytes; 0 when absent.
    package internal(set) var contentLength: UInt64 = 0

    /// The raw request-target: visible ASCII, no `#`. `RequestPath` makes a path of it.
    package internal(set) var target = ByteSlice.absent

    /// Host: a valid host with an optional port, or empty. Absent only in HTTP/1.0.
    package internal(set) var host = ByteSlice.absent

    package internal(set) var ifNoneMatch = ByteSlice.absent
    package internal(set) var ifModifiedSince = ByteSlice.absent
    package internal(set) var range = ByteSlice.absent
    package internal(set) var ifRange = ByteSlice.absent

    /// Whether bytes of a body follow the head (RFC 9112 section 6.3).
    @inlinable
    package var hasBody: Bool { isChunked || contentLength > 0 }
}

/// What the bytes received so far amount to.
package enum ParseOutcome: Equatable, Sendable {
    /// A whole head; `byteCount` bytes of the input belong to it.
    case complete(RequestHead)

    /// The start of a head that may still become a good one.
    case incomplete

    /// Not a request the server takes, whatever follows.
    case invalid(RequestError)
}

/// A request method the server knows by name (RFC 9110 section 9, and PATCH of RFC 5789).
///
/// A method outside of this list is answered 501, one inside it that is not supported 405. Any thread.
package enum RequestMethod: UInt8, BitwiseCopyable, Sendable {
    case get
    case head
    case post
    case put
    case delete
    case connect
    case options
    case trace
    case patch

    /// Whether a static file can answer it.
    @inlinable
    package var isSupported: Bool { self == .get || self == .head }

    /// The method named by the bytes in `range`; names are case-sensitive. Nil when the name is not known.
    init?(_ bytes: RawSpan, in range: Range<Int>) {
        func isNamed(_ name: StaticString) -> Bool { bytes.hasText(name, at: range.lowerBound) }
        switch range.count {
        case 3 where isNamed("GET"): self = .get
        case 3 where isNamed("PUT"): self = .put
        case 4 where isNamed("HEAD"): self = .head
        case 4 where isNamed("POST"): self = .post
        case 5 where isNamed("TRACE"): self = .trace
        case 5 where isNamed("PATCH"): self = .patch
        case 6 where isNamed("DELETE"): self = .delete
        case 7 where isNamed("CONNECT"): self = .connect
        case 7 where isNamed("OPTIONS"): self = .options
        default: return nil
        }
    }
}

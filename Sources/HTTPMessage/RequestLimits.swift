/// The bounds of a request head, each with the answer it has when it is passed.
package enum RequestLimits {
    /// Bytes of a head with its empty line and any empty lines skipped in front of it; more is 431.
    package static let headBytesMax = 16384

    /// Bytes of the request-target; more is 414.
    package static let targetBytesMax = 8192

    /// Field lines of a head; more is 431.
    package static let headerFieldsMax = 100

    /// Bytes of a method; more is 400.
    package static let methodBytesMax = 32

    /// Empty lines skipped in front of a request line (RFC 9112 section 2.2); more is 400.
    package static let emptyLinesMax = 4

    /// Bytes of a decoded path with its final NUL: Linux's PATH_MAX; more is 414.
    package static let pathBytesMax = 4096
}

/// Why a request can not be answered as asked, found in its bytes alone. Any thread.
///
/// After any of these the bytes that follow can not be trusted to be a request: answer and close.
package enum RequestError: Error, Equatable, Sendable {
    /// The bytes are not a request of RFC 9112: 400.
    case badRequest

    /// The request-target passes `RequestLimits.targetBytesMax`, or its path `RequestLimits.pathBytesMax`: 414.
    case targetTooLong

    /// The head passes `RequestLimits.headBytesMax` or `RequestLimits.headerFieldsMax`: 431.
    case headTooLarge

    /// The method is a token, but none of `RequestMethod`: 501.
    case unknownMethod

    /// The major version is not 1: 505.
    case unsupportedVersion

    /// The status that tells the client.
    package var status: HTTPStatus {
        switch self {
        case .badRequest: .badRequest
        case .targetTooLong: .uriTooLong
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .unknownMethod: .notImplemented
        case .unsupportedVersion: .httpVersionNotSupported
        }
    }
}

/// Conditional GET and HEAD requests (RFC 9110 section 13). Any thread.
///
/// If-Match and If-Unmodified-Since are not read: they protect changes, and nothing is changed here.
package enum Conditional {
    package enum Outcome: Equatable, Sendable {
        /// Answer as if there were no condition.
        case proceed

        /// Answer 304: the client has this content.
        case notModified
    }

    /// Evaluates If-None-Match, or without one If-Modified-Since, in the order of RFC 9110 section 13.2.2.
    ///
    /// - Parameters:
    ///   - head: a head for GET or HEAD, parsed from `bytes`.
    ///   - lastModifiedSeconds: the time of the last change in whole seconds since 1970, as Last-Modified tells it.
    ///   - nowSeconds: the present, for two-digit years only: a clock that is right to the day is enough.
    package static func evaluate(
        _ head: RequestHead, in bytes: RawSpan, entityTag: EntityTag, lastModifiedSeconds: Int64, nowSeconds: Int64
    ) -> Outcome {
        if head.ifNoneMatch.isPresent {
            let value = bytes.extracting(head.ifNoneMatch.range)
            return entityTag.matches(ifNoneMatch: value) ? .notModified : .proceed
        }
        guard !head.ifModifiedSince.isEmpty,
            let since = HTTPDate.parse(bytes.extracting(head.ifModifiedSince.range), nowSeconds: nowSeconds)
        else { return .proceed }
        return lastModifiedSeconds <= since ? .notModified : .proceed
    }

    /// The part of a file of `entityTag.size` bytes to send: Range, if the method and If-Range let it apply.
    ///
    /// If-Range is a tag equal by strong comparison, or a date that is exactly Last-Modified (RFC 9110 section 13.1.5).
    /// To be asked only after `evaluate` said `.proceed`; parameters as there.
    package static func range(
        _ head: RequestHead, in bytes: RawSpan, entityTag: EntityTag, lastModifiedSeconds: Int64, nowSeconds: Int64
    ) -> ByteRange {
        // RFC 9110 section 14.2: Range means something for GET only.
        guard !head.range.isEmpty, head.method == .get else { return .whole }
        if head.ifRange.isPresent {
            let value = bytes.extracting(head.ifRange.range)
            let isSame =
                entityTag.matches(ifRange: value)
                || HTTPDate.parse(value, nowSeconds: nowSeconds) == lastModifiedSeconds
            guard isSame else { return .whole }
        }
        return ByteRange.parse(bytes.extracting(head.range.range), size: entityTag.size)
    }
}

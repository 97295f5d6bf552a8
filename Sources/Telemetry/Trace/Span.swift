/// What a span on a thread's track is.
package enum SpanKind: UInt8, BitwiseCopyable, Sendable {
    /// A thread's work on one HTTP request, without a break; its phases lie within. Detail: `SpanBuffer.addText` of the path.
    case work
    /// A phase of an HTTP request. Detail: `RequestPhase`.
    case phase
    /// A whole HTTP request, from its first byte to its last. Detail: status, and bit 32 for the mount.
    case request
    /// A FUSE request, from its receipt to the end of its reply. Detail: its `unique`.
    case fuse
    /// Within it: from its receipt to the reply.
    case fuseService
    /// Within it: the reply's `writev(2)`.
    case fuseReply
    /// Before it: since the FUSE thread has waited in `read(2)`.
    case fuseIdle
}

/// Something that took time on a thread; times are CLOCK_MONOTONIC nanoseconds.
package struct Span: BitwiseCopyable, Sendable {
    package var kind: SpanKind
    /// The opcode of a FUSE request (`enum fuse_opcode`).
    package var opcode: UInt16 = 0
    package var startNanoseconds: UInt64
    package var endNanoseconds: UInt64
    /// The traced HTTP request that it belongs to; 0 for none.
    package var request: UInt64
    package var detail: UInt64

    package init(
        _ kind: SpanKind, opcode: UInt16 = 0, startNanoseconds: UInt64, endNanoseconds: UInt64, request: UInt64,
        detail: UInt64 = 0
    ) {
        self.kind = kind
        self.opcode = opcode
        self.startNanoseconds = startNanoseconds
        self.endNanoseconds = endNanoseconds
        self.request = request
        self.detail = detail
    }
}

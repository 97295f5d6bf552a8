import Platform

/// A FUSE request was sent to the daemon, or its answer has come.
struct FuseEvent: BitwiseCopyable {
    let nanoseconds: UInt64
    let unique: UInt64
    /// Who has sent it, or answered it.
    let thread: Int32
    let isEnd: Bool
}

/// The tracepoints `fuse:fuse_request_send` and `fuse:fuse_request_end`.
struct FuseTracepoints {
    let send: Tracepoint
    let end: Tracepoint
    private let sendUnique: Int
    private let endUnique: Int

    /// - Throws: what `Tracepoint` throws; EINVAL when the records have no field `unique`.
    init() throws(Errno) {
        send = try Tracepoint("fuse/fuse_request_send")
        end = try Tracepoint("fuse/fuse_request_end")
        guard let inSend = send.offset(of: "unique", byteCount: 8), let inEnd = end.offset(of: "unique", byteCount: 8)
        else { throw .invalidArgument }
        sendUnique = inSend
        endUnique = inEnd
    }

    func event(_ record: UnsafeRawBufferPointer, nanoseconds: UInt64, thread: Int32) -> FuseEvent? {
        guard record.count >= 2 else { return nil }
        let isEnd: Bool
        switch UInt64(record.loadUnaligned(fromByteOffset: 0, as: UInt16.self)) {
        case send.number: isEnd = false
        case end.number: isEnd = true
        default: return nil
        }
        let offset = isEnd ? endUnique : sendUnique
        guard offset + 8 <= record.count else { return nil }
        return FuseEvent(
            nanoseconds: nanoseconds, unique: record.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            thread: thread, isEnd: isEnd)
    }
}

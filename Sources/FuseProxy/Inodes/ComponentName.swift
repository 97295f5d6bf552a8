import Glibc
import Platform

/// One name in a folder: 1 to 255 bytes, any but `/` and NUL (NAME_MAX), kept in place and NUL-terminated for C.
struct ComponentName: BitwiseCopyable, Sendable {
    static let byteCountMax = 255

    private var bytes = InlineArray<256, CChar>(repeating: 0)
    private(set) var count: Int = 0

    init() {}

    /// Copies a NUL-terminated name; nil when it is empty, too long, or one of the names that are not a child's.
    init?(_ name: UnsafePointer<CChar>) {
        let length = strnlen(name, Self.byteCountMax + 1)
        guard length > 0, length <= Self.byteCountMax else { return nil }
        if name[0] == 0x2e, length == 1 || (length == 2 && name[1] == 0x2e) { return nil }
        self.init(copying: name, count: length)
    }

    init(copying name: UnsafePointer<CChar>, count: Int) {
        precondition(count <= Self.byteCountMax)
        self.count = count
        var span = bytes.mutableSpan
        span.withUnsafeMutableBufferPointer { buffer in
            _ = memcpy(buffer.baseAddress!, name, count)
        }
    }

    /// The name as C wants it, for the time of the call.
    func withCString<Result: ~Copyable>(
        _ body: (UnsafePointer<CChar>) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try bytes.span.withUnsafeBufferPointer { (buffer) throws(Errno) in try body(buffer.baseAddress!) }
    }

    /// The name's bytes, without the NUL, for the time of the call.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<CChar>) -> Result) -> Result {
        bytes.span.withUnsafeBufferPointer { buffer in body(UnsafeBufferPointer(rebasing: buffer[..<count])) }
    }
}

import Glibc
import HTTPMessage
import Platform

/// The header fields that all responses of a second share: Server and Date. Event thread only.
struct DateText: ~Copyable {
    private let storage: UnsafeMutableRawBufferPointer
    private var count = 0
    private var seconds: Int64 = .min

    init() { storage = .allocate(byteCount: 128, alignment: 8) }

    deinit { storage.deallocate() }

    /// The fields as of `nowSeconds` since 1970, valid until the next call.
    mutating func fields(nowSeconds: Int64) -> UnsafeRawBufferPointer {
        if seconds != nowSeconds {
            seconds = nowSeconds
            var writer = ResponseHeadWriter(storage)
            writer.field("Server", "serverfs")
            writer.field("Date", dateSeconds: nowSeconds)
            count = writer.count
        }
        return UnsafeRawBufferPointer(rebasing: storage[..<count])
    }
}

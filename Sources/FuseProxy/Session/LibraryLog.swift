import CFuse3
import Glibc
import Synchronization

/// What libfuse says: kept for the sentence that explains a failure, instead of printed. Any thread.
enum LibraryLog {
    private static let message = Mutex("")

    /// Takes libfuse's messages from now on, for the whole process (`fuse_set_log_func`).
    static func start() {
        fuse_set_log_func { _, format, arguments in
            var line = [CChar](repeating: 0, count: 512)
            vsnprintf(&line, line.count, format!, arguments!)
            let text = String(
                decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            LibraryLog.message.withLock { $0 = text }
        }
    }

    /// The last message, without its newline.
    static var lastMessage: String { message.withLock { $0 } }
}

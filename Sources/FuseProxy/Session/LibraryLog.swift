import CFuse3
import Glibc
import Platform

/// What libfuse says: kept for the sentence that explains a failure, instead of printed. Any thread.
enum LibraryLog {
    private static let message = Guarded("")

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

    /// Runs `body` with standard error caught, because fusermount3(1), which libfuse may run, explains itself there.
    ///
    /// What other threads write meanwhile is written on, if later than it was meant to be.
    ///
    /// - Returns: the body's result, and the last line of fusermount3's.
    static func catchingStandardError<Result>(_ body: () -> Result) -> (result: Result, line: String) {
        var ends: [CInt] = [-1, -1]
        let original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
        guard original >= 0 else { return (body(), "") }
        defer { close(original) }
        guard pipe(&ends) == 0 else { return (body(), "") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        dup2(ends[1], STDERR_FILENO)
        let result = body()
        dup2(original, STDERR_FILENO)
        close(ends[1])
        let caught = readAll(ends[0])
        close(ends[0])
        let lines = caught.split(separator: newline, omittingEmptySubsequences: false)
        let isHelpers = { (line: ArraySlice<UInt8>) in line.starts(with: "fusermount3: ".utf8) }
        let others = Array(lines.filter { !isHelpers($0) }.joined(separator: [newline]))
        // Where nobody reads it is lost: mounting is not to wait for that.
        var room = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        if !others.isEmpty, poll(&room, 1, 200) == 1 {
            _ = write(STDERR_FILENO, others, min(others.count, Int(PIPE_BUF)))
        }
        return (result, lines.last(where: isHelpers).map { String(decoding: $0, as: UTF8.self) } ?? "")
    }

    private static let newline = UInt8(ascii: "\n")

    /// What is in a pipe whose other end is closed.
    private static func readAll(_ descriptor: CInt) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return all }
            all += chunk[..<count]
        }
    }
}

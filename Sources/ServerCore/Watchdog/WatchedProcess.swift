import Glibc
import Platform

/// The server, as its watchdog sees it: through a file of /proc that is kept open, so that another process with its number
/// is never taken for it.
struct WatchedProcess {
    /// nil where /proc is not to be had; the end of the pipe must do then.
    private let stat: SharedDescriptor?

    init(_ identifier: pid_t) {
        // Of the first thread alone: the whole process's would add up the times of all.
        let path = "/proc/\(identifier)/task/\(identifier)/stat"
        stat = try? SharedDescriptor(Files.open(path, flags: O_RDONLY))
    }

    /// Whether it has ended, or has been killed and cannot end: a thread that waits for an answer of its own mount keeps all
    /// descriptors open, the pipe's as well.
    var isDying: Bool {
        guard let stat else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { buffer in
            // ESRCH: it has ended, and its parent knows.
            guard let count = try? Files.read(stat.rawValue, into: buffer, at: 0), count > 0 else { return true }
            return Self.isDying(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Reads a line of /proc/PID/stat (`proc_pid_stat(5)`).
    static func isDying(_ line: UnsafeRawBufferPointer) -> Bool {
        // The second field is the name, in parentheses, of any bytes; the last parenthesis ends it.
        guard let parenthesis = line.lastIndex(of: UInt8(ascii: ")")), parenthesis + 2 < line.count else {
            return false
        }
        let state = line[parenthesis + 2]
        if state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") { return true }
        var field = 3
        var number: UInt64 = 0
        for byte in line[(parenthesis + 2)...] {
            if byte == UInt8(ascii: " ") {
                if field == flagsField, number & endingFlags != 0 { return true }
                if field == pendingSignalsField { return number & (1 << UInt64(SIGKILL - 1)) != 0 }
                field += 1
                number = 0
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                number = number &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            }
        }
        return false
    }

    private static let flagsField = 9
    private static let pendingSignalsField = 31
    /// PF_EXITING, PF_POSTCOREDUMP, PF_DUMPCORE and PF_SIGNALED: on its way out, or waiting for the others to be.
    private static let endingFlags: UInt64 = 0x4 | 0x8 | 0x200 | 0x400
}

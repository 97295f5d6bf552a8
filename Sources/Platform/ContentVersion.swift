package import Glibc

/// What tells one state of a file's bytes from another: size, modification time, and the change time that no program can
/// set back.
package struct ContentVersion: Equatable, BitwiseCopyable, Sendable {
    /// Bytes; -1 when nothing is known.
    package var size: Int64 = -1
    /// Since 1970.
    package var modifiedNanoseconds: Int64 = 0
    /// Since 1970.
    package var changedNanoseconds: Int64 = 0

    /// The version of a file that nothing is known of: equal to no real one.
    package init() {}

    /// Whether the file has changed so lately that a further change may leave no trace: many file systems' time stamps are as
    /// coarse as two seconds.
    package var isRecent: Bool {
        let now = Clock.unixSeconds
        // A time in the future, which a program may set, is as old as can be.
        return abs(now - modifiedNanoseconds / 1_000_000_000) <= 2 || abs(now - changedNanoseconds / 1_000_000_000) <= 2
    }

    package init(_ status: stat) {
        size = Int64(status.st_size)
        modifiedNanoseconds = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changedNanoseconds = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }

    /// Has attributes say this version.
    package func apply(to status: inout stat) {
        status.st_size = Int(size)
        status.st_mtim = Self.timespec(modifiedNanoseconds)
        status.st_ctim = Self.timespec(changedNanoseconds)
    }

    private static func timespec(_ nanoseconds: Int64) -> timespec {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        // Before 1970 too, nanoseconds count forwards.
        return Glibc.timespec(
            tv_sec: Int(rest < 0 ? seconds - 1 : seconds), tv_nsec: Int(rest < 0 ? rest + 1_000_000_000 : rest))
    }
}

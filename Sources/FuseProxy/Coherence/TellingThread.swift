import Glibc
import Platform

/// The thread that tells the kernel of changes, as a FUSE thread may want to know it: has it come as far as to wait for pages
/// that are being read?
final class TellingThread: Sendable {
    /// What /proc says of it; nil where no such thread runs, or /proc says nothing.
    private let status = Guarded<SharedDescriptor?>(nil)

    /// The calling thread is the one, until `end`.
    func begin() {
        let file = try? Files.open("/proc/thread-self/stat", flags: 0)
        guard let file else { return }
        let shared = SharedDescriptor(file)
        status.withLock { $0 = shared }
    }

    func end() {
        // It is closed after the lock is let go.
        _ = status.withLock { status in
            defer { status = nil }
            return status
        }
    }

    /// Whether it sleeps and no signal could wake it (state D of `proc_pid_stat(5)`). An inode's notification sleeps so for pages
    /// that are locked: it has then marked the file as changed (`fuse_reverse_inval_inode`). Before that it could only for a mount
    /// that is being taken away. Any thread.
    var waitsForPages: Bool {
        guard let status = status.withLock({ $0 }) else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { line in
            let count = try? status.withRawValue { (file) throws(Errno) in try Files.read(file, into: line, at: 0) }
            // "4711 (watcher) D 1 …"
            guard let count, let nameEnd = line[..<count].lastIndex(of: UInt8(ascii: ")")), nameEnd + 2 < count else {
                return false
            }
            return line[nameEnd + 2] == UInt8(ascii: "D")
        }
    }
}

import Platform

/// The thread that tells the kernel of changes, as a FUSE thread may want to know it: has it come as far as to wait for pages
/// that are being read?
final class TellingThread: Sendable {
    /// Nil where no such thread runs, or /proc says nothing.
    private let state = Guarded<ThreadState?>(nil)

    /// The calling thread is the one, until `end`.
    func begin() {
        let own = try? ThreadState()
        state.withLock { $0 = own }
    }

    func end() {
        // It is closed after the lock is let go.
        _ = state.withLock { state in
            defer { state = nil }
            return state
        }
    }

    /// Whether it sleeps so that nothing could wake it. An inode's notification does for pages that are locked: it has then marked
    /// the file as changed (`fuse_reverse_inval_inode`). Before that it could only for a mount that is being taken away. Any thread.
    var waitsForPages: Bool { state.withLock { $0 }?.code == UInt8(ascii: "D") }
}

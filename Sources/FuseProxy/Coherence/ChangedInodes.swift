import Platform

/// Inodes whose pages the kernel must drop: found by FUSE threads, which may not tell it themselves, and taken by the
/// watcher's thread, which may. Any thread.
final class ChangedInodes: Sendable {
    /// Beyond this everything is dropped instead.
    static let capacity = 65_536

    private let waiting = Guarded<Set<InodeNumber>>([])
    private let wakeUp: WakeUp

    init() throws(Errno) { wakeUp = try WakeUp() }

    /// Readable when there are some.
    var rawDescriptor: CInt { wakeUp.rawValue }

    func add(_ inode: InodeNumber) {
        let isFirst = waiting.withLock { waiting in
            guard waiting.count < Self.capacity else { return false }
            waiting.insert(inode)
            return waiting.count == 1
        }
        if isFirst { wakeUp.signal() }
    }

    /// All that wait, which wait no longer; nil when there were too many to remember.
    func take() -> Set<InodeNumber>? {
        wakeUp.clear()
        let taken = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        return taken.count < Self.capacity ? taken : nil
    }
}

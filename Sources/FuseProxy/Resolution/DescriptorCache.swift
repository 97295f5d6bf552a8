import Platform

/// Descriptors of inodes that were used last: folders to look names up in, or files to read. A bounded number, and a clock
/// that finds the one to close; what is pinned stays, also beyond the bound.
///
/// Any FUSE thread. No system call is made under the lock: what is dropped is closed after it.
final class DescriptorCache: Sendable {
    fileprivate struct Entry {
        var inode: InodeNumber
        var descriptor: SharedDescriptor
        var wasUsed = false
        var pins = 0
    }

    fileprivate struct State {
        var indexByInode: [InodeNumber: Int] = [:]
        var entries: [Entry] = []
        /// Where the search for a victim goes on (the clock algorithm: a used entry gets a second chance).
        var hand = 0
    }

    private let state = Guarded(State())
    /// How many unpinned descriptors are held at the most.
    let capacity: Int

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    var count: Int { state.withLock { $0.entries.count } }

    subscript(_ inode: InodeNumber) -> SharedDescriptor? {
        state.withLock { state in
            guard let index = state.indexByInode[inode] else { return nil }
            state.entries[index].wasUsed = true
            return state.entries[index].descriptor
        }
    }

    /// The descriptor of `inode`, which stays until it is unpinned as often as it was pinned; nil when there is none.
    func pin(_ inode: InodeNumber) -> SharedDescriptor? {
        state.withLock { state in
            guard let index = state.indexByInode[inode] else { return nil }
            state.entries[index].wasUsed = true
            state.entries[index].pins += 1
            return state.entries[index].descriptor
        }
    }

    func unpin(_ inode: InodeNumber) {
        let dropped: SharedDescriptor? = state.withLock { state in
            guard let index = state.indexByInode[inode], state.entries[index].pins > 0 else { return nil }
            state.entries[index].pins -= 1
            return state.entries.count > capacity ? state.removeVictim() : nil
        }
        _ = dropped
    }

    /// Adds a descriptor, pinned or not. Where there is one already, made by another thread meanwhile, that one is kept.
    ///
    /// - Returns: the one that is in the cache now.
    @discardableResult
    func insert(_ descriptor: SharedDescriptor, for inode: InodeNumber, pinned: Bool = false) -> SharedDescriptor {
        let (kept, dropped): (SharedDescriptor, SharedDescriptor?) = state.withLock { state in
            if let index = state.indexByInode[inode] {
                if pinned { state.entries[index].pins += 1 }
                return (state.entries[index].descriptor, nil)
            }
            let dropped = state.entries.count >= capacity ? state.removeVictim() : nil
            state.indexByInode[inode] = state.entries.count
            state.entries.append(Entry(inode: inode, descriptor: descriptor, pins: pinned ? 1 : 0))
            return (descriptor, dropped)
        }
        _ = dropped
        return kept
    }

    func remove(_ inodes: [InodeNumber]) {
        for inode in inodes {
            let dropped = state.withLock { state in state.indexByInode[inode].map { state.remove(at: $0) } }
            _ = dropped
        }
    }

    func removeAll() {
        let dropped = state.withLock { state in
            defer { state = State() }
            return state.entries
        }
        _ = dropped
    }
}

extension DescriptorCache.State {
    /// Takes out one that was not used since the hand last came by; nil when all are pinned.
    fileprivate mutating func removeVictim() -> SharedDescriptor? {
        for _ in 0..<(2 * entries.count) {
            if hand >= entries.count { hand = 0 }
            if entries[hand].pins == 0 {
                if !entries[hand].wasUsed { return remove(at: hand) }
                entries[hand].wasUsed = false
            }
            hand += 1
        }
        return nil
    }

    fileprivate mutating func remove(at index: Int) -> SharedDescriptor {
        let removed = entries[index]
        indexByInode[removed.inode] = nil
        let last = entries.removeLast()
        if index < entries.count {
            entries[index] = last
            indexByInode[last.inode] = index
        }
        return removed.descriptor
    }
}

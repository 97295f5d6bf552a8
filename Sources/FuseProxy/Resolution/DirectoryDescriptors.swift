import Platform
import Synchronization

/// A bounded number of `O_PATH` descriptors of folders that were used last, so that a name is looked up in its folder and
/// not along its whole path. Any FUSE thread; no system call is made under the lock but the `close` of what is dropped.
final class DirectoryDescriptors: Sendable {
    /// How many folders are held open at the most; beyond that, one that was not used for a while is closed.
    let capacity: Int

    private struct Entry {
        var inode: InodeNumber
        var descriptor: SharedDescriptor
        var wasUsed: Bool
    }

    private struct State {
        var indexByInode: [InodeNumber: Int] = [:]
        var entries: [Entry] = []
        /// Where the search for a victim goes on (the clock algorithm: a used entry gets a second chance).
        var hand = 0
    }

    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    subscript(_ inode: InodeNumber) -> SharedDescriptor? {
        state.withLock { state in
            guard let index = state.indexByInode[inode] else { return nil }
            state.entries[index].wasUsed = true
            return state.entries[index].descriptor
        }
    }

    func insert(_ descriptor: SharedDescriptor, for inode: InodeNumber) {
        let entry = Entry(inode: inode, descriptor: descriptor, wasUsed: false)
        // What is replaced is closed after the lock is gone, with the last use of `dropped`.
        let dropped: SharedDescriptor? = state.withLock { state in
            if let index = state.indexByInode[inode] {
                let former = state.entries[index].descriptor
                state.entries[index] = entry
                return former
            }
            if state.entries.count < capacity {
                state.indexByInode[inode] = state.entries.count
                state.entries.append(entry)
                return nil
            }
            while state.entries[state.hand].wasUsed {
                state.entries[state.hand].wasUsed = false
                state.hand = (state.hand + 1) % capacity
            }
            let victim = state.entries[state.hand]
            state.indexByInode[victim.inode] = nil
            state.indexByInode[inode] = state.hand
            state.entries[state.hand] = entry
            state.hand = (state.hand + 1) % capacity
            return victim.descriptor
        }
        _ = dropped
    }

    func remove(_ inode: InodeNumber) {
        let dropped: SharedDescriptor? = state.withLock { state in
            guard let index = state.indexByInode.removeValue(forKey: inode) else { return nil }
            let descriptor = state.entries[index].descriptor
            let last = state.entries.removeLast()
            if index < state.entries.count {
                state.entries[index] = last
                state.indexByInode[last.inode] = index
            }
            state.hand = 0
            return descriptor
        }
        _ = dropped
    }
}

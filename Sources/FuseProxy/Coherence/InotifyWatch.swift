import CKernel
import Glibc
import Platform

/// Sees changes in the folders that the kernel knows, one watch a folder (`inotify(7)`): what an ordinary user may have, as
/// far as fs.inotify.max_user_watches goes. A folder beyond that is not covered, and its entries get a timeout.
///
/// What it cannot see: that a file gets a second name in a folder that is not watched, and is changed by that name.
final class InotifyWatch: Sendable {
    private struct Known {
        var inodes: [CInt: InodeNumber] = [:]
        var watches: [InodeNumber: CInt] = [:]
    }

    let descriptor: OwnedDescriptor
    private let known = Guarded(Known())

    private static let mask =
        UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_MODIFY)
        | UInt32(IN_ATTRIB) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ONLYDIR)

    init() throws(Errno) {
        let number = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
        guard number >= 0 else { throw Errno(rawValue: errno) }
        descriptor = OwnedDescriptor(adopting: number)
    }

    /// Watches the folder `inode` from now on.
    ///
    /// - Returns: whether it is watched; false at the user's limit.
    func cover(_ inode: InodeNumber, _ directory: CInt) -> Bool {
        // Under the lock: the kernel gives the same watch for the same folder, and a forget of its former inode number must
        // not come between. Neither call enters a file system.
        known.withLock { known in
            // An O_PATH descriptor cannot be watched itself; its magic link leads to the same folder.
            let watch = inotify_add_watch(descriptor.rawValue, "/proc/self/fd/\(directory)", Self.mask)
            guard watch >= 0 else { return false }
            known.inodes[watch] = inode
            known.watches[inode] = watch
            return true
        }
    }

    func covers(_ inode: InodeNumber) -> Bool { known.withLock { $0.watches[inode] != nil } }

    func forget(_ inode: InodeNumber) {
        known.withLock { known in
            guard let watch = known.watches.removeValue(forKey: inode), known.inodes[watch] == inode else { return }
            known.inodes[watch] = nil
            inotify_rm_watch(descriptor.rawValue, watch)
        }
    }

    /// Takes what has happened out of `bytes`, as read from `descriptor`.
    func changes(in bytes: UnsafeRawBufferPointer) -> Set<Change> {
        var changes: Set<Change> = []
        var rest = bytes
        // struct inotify_event: s32 watch, u32 mask, u32 cookie, u32 name length, the name with its NULs.
        while rest.count >= 16 {
            let watch = rest.loadUnaligned(fromByteOffset: 0, as: Int32.self)
            let mask = rest.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            let nameCount = Int(rest.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            guard 16 + nameCount <= rest.count else { break }
            if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                changes.insert(.everything)
            } else if let directory = known.withLock({ $0.inodes[watch] }) {
                let name = (rest.baseAddress! + 16).assumingMemoryBound(to: CChar.self)
                changes.insert(
                    (nameCount > 0 ? ComponentName(name) : nil).map { .name(directory, $0) } ?? .directory(directory))
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(16 + nameCount)...])
        }
        return changes
    }
}

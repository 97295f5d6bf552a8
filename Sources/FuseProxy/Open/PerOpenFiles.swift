import Platform
import Synchronization

/// The `per-open` strategy: each of the kernel's open files is a descriptor of the docroot's file. The handle given to the
/// kernel (`fh`) is the descriptor's number.
///
/// Any FUSE thread. A handle is valid from the OPEN's reply to its RELEASE, which the kernel sends once and last.
final class PerOpenFiles: Sendable {
    private let inodes = Mutex<[CInt: InodeNumber]>([:])

    /// Takes over `descriptor` and gives the handle for it.
    func insert(_ descriptor: consuming OwnedDescriptor, for inode: InodeNumber) -> UInt64 {
        let number = descriptor.release()
        inodes.withLock { $0[number] = inode }
        return UInt64(number)
    }

    /// Closes the file behind a handle.
    func release(_ handle: UInt64) {
        let number = CInt(handle)
        // Out of the table before it is closed: the number may be another file's at once.
        guard inodes.withLock({ $0.removeValue(forKey: number) }) != nil else { return }
        OwnedDescriptor(adopting: number).close()
    }

    /// A descriptor of `inode`, if it is open: how a file that is no longer in its folder is still found.
    func anyDescriptor(of inode: InodeNumber) -> CInt? {
        inodes.withLock { $0.first { $0.value == inode }?.key }
    }

    /// Closes what is left when the session has ended without the kernel's RELEASEs.
    func releaseAll() {
        let remaining = inodes.withLock { inodes in
            defer { inodes = [:] }
            return inodes
        }
        for number in remaining.keys { OwnedDescriptor(adopting: number).close() }
    }
}

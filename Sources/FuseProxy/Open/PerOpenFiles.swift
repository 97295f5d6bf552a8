import Platform

/// The `per-open` strategy: each of the kernel's open files is a descriptor of the docroot's file. The handle given to the
/// kernel (`fh`) is the descriptor's number.
///
/// Any FUSE thread. A handle is valid from the OPEN's reply to its RELEASE, which the kernel sends once and last.
final class PerOpenFiles: Sendable {
    private struct OpenFile {
        var inode: InodeNumber
        var descriptor: SharedDescriptor
    }

    private let files = Guarded<[UInt64: OpenFile]>([:])

    /// Takes over `descriptor` and gives the handle for it.
    func insert(_ descriptor: consuming OwnedDescriptor, for inode: InodeNumber) -> UInt64 {
        let shared = SharedDescriptor(descriptor)
        let handle = UInt64(shared.rawValue)
        files.withLock { $0[handle] = OpenFile(inode: inode, descriptor: shared) }
        return handle
    }

    /// Closes the file behind a handle, once nobody uses it any more.
    func release(_ handle: UInt64) {
        let dropped = files.withLock { $0.removeValue(forKey: handle) }
        _ = dropped
    }

    /// A descriptor of `inode`, if it is open: how a file that is no longer in its folder is still found.
    func anyDescriptor(of inode: InodeNumber) -> SharedDescriptor? {
        files.withLock { $0.first { $0.value.inode == inode }?.value.descriptor }
    }

    /// Closes what is left when the session has ended without the kernel's RELEASEs.
    func releaseAll() {
        let dropped = files.withLock { files in
            defer { files = [:] }
            return files
        }
        _ = dropped
    }
}

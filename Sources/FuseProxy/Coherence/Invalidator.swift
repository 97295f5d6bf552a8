import CFuse3
import Glibc
import Platform

/// Tells the kernel to forget what it was told. On the watcher's thread only: a notification waits for the folder's lock,
/// which a LOOKUP holds while a FUSE thread answers it.
struct Invalidator: @unchecked Sendable {
    let session: OpaquePointer
    let channel: CInt

    /// Drops a name, positive or negative, and waits for lookups of its folder that are under way: what they have told the
    /// kernel is dropped as well (`fuse_lowlevel_notify_inval_entry`).
    func dropEntry(_ parent: InodeNumber, _ name: ComponentName) {
        assert(ThreadRules.mayNotify)
        name.withBytes { bytes in
            _ = fuse_lowlevel_notify_inval_entry(
                session, fuse_ino_t(parent.rawValue), bytes.baseAddress, bytes.count)
        }
    }

    /// Drops an inode's attributes and pages, for a folder its cached list (`fuse_lowlevel_notify_inval_inode`).
    func dropInode(_ inode: InodeNumber) {
        assert(ThreadRules.mayNotify)
        _ = fuse_lowlevel_notify_inval_inode(session, fuse_ino_t(inode.rawValue), 0, 0)
    }

    /// Makes every name in the kernel's cache one that must be looked up again (FUSE_NOTIFY_INC_EPOCH, Linux 6.16, which
    /// libfuse 3.14 does not know): the bare header of a notification.
    func dropAllEntries() {
        assert(ThreadRules.mayNotify)
        var header: (length: UInt32, code: Int32, unique: UInt64) = (16, 8, 0)
        _ = write(channel, &header, 16)
    }
}

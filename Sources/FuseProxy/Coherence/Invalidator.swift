import CFuse3
import Glibc
import Platform
import Telemetry

/// Tells the kernel to forget what it was told. On the watcher's thread only: a notification waits for the folder's lock,
/// which a LOOKUP holds while a FUSE thread answers it.
struct Invalidator: @unchecked Sendable {
    let session: OpaquePointer
    let channel: CInt
    /// Where each is counted, before and after it is made: the HTTP threads look at their files again then.
    let measurements: Measurements

    /// Drops a name, positive or negative, and waits for lookups of its folder that are under way: what they have told the
    /// kernel is dropped as well (`fuse_lowlevel_notify_inval_entry`).
    func dropEntry(_ parent: InodeNumber, _ name: ComponentName) {
        begin()
        defer { end() }
        name.withBytes { bytes in
            _ = fuse_lowlevel_notify_inval_entry(
                session, fuse_ino_t(parent.rawValue), bytes.baseAddress, bytes.count)
        }
    }

    /// Drops an inode's attributes and pages, for a folder its cached list (`fuse_lowlevel_notify_inval_inode`).
    func dropInode(_ inode: InodeNumber) {
        begin()
        defer { end() }
        _ = fuse_lowlevel_notify_inval_inode(session, fuse_ino_t(inode.rawValue), 0, 0)
    }

    /// Makes every name in the kernel's cache one that must be looked up again (FUSE_NOTIFY_INC_EPOCH, Linux 6.16, which
    /// libfuse 3.14 does not know): the bare header of a notification.
    func dropAllEntries() {
        begin()
        defer { end() }
        var header: (length: UInt32, code: Int32, unique: UInt64) = (16, 8, 0)
        _ = write(channel, &header, 16)
    }

    private func begin() {
        assert(ThreadRules.mayNotify)
        measurements.changesTold.add(1, ordering: .sequentiallyConsistent)
    }

    private func end() { measurements.changesTold.add(1, ordering: .sequentiallyConsistent) }
}

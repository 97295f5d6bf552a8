import CKernel
import Platform

/// The `passthrough` strategy: files that the kernel reads itself, each registered with it once, however often it is open:
/// all open files of one inode must name the same backing id. Any FUSE thread.
final class BackingFiles: Sendable {
    private struct Entry {
        var backingID: Int32
        var descriptor: SharedDescriptor
        var opens: Int
    }

    /// Held across the ioctls, which enter no file system: between a registration and its note nobody may make another.
    private let entries = Guarded<[InodeNumber: Entry]>([:])

    /// Counts one more open of `inode` if it is registered; its backing id, or nil.
    func openAgain(_ inode: InodeNumber) -> Int32? {
        entries.withLock { entries in
            guard entries[inode] != nil else { return nil }
            entries[inode]!.opens += 1
            return entries[inode]!.backingID
        }
    }

    /// Counts one more open of `inode`, registering `file` if it is the first.
    ///
    /// - Throws: EPERM without CAP_SYS_ADMIN, ELOOP when the docroot's file system is stacked too deep.
    func open(_ inode: InodeNumber, _ file: SharedDescriptor, channel: CInt) throws(Errno) -> Int32 {
        try entries.withLock { (entries) throws(Errno) in
            if entries[inode] != nil {
                entries[inode]!.opens += 1
                return entries[inode]!.backingID
            }
            let id = try file.withRawValue { (file) throws(Errno) in
                Int32(try Errno.check(kernel_fuse_backing_open(channel, file)))
            }
            entries[inode] = Entry(backingID: id, descriptor: file, opens: 1)
            return id
        }
    }

    func release(_ inode: InodeNumber, channel: CInt) {
        let dropped: Entry? = entries.withLock { entries in
            guard var entry = entries[inode] else { return nil }
            entry.opens -= 1
            entries[inode] = entry.opens == 0 ? nil : entry
            if entry.opens == 0 { _ = kernel_fuse_backing_close(channel, UInt32(entry.backingID)) }
            return entry.opens == 0 ? entry : nil
        }
        _ = dropped
    }

    /// The file of `inode` while it is open.
    subscript(_ inode: InodeNumber) -> SharedDescriptor? { entries.withLock { $0[inode]?.descriptor } }

    /// How many files are registered.
    var count: Int { entries.withLock { $0.count } }

    /// Whether this process may register files with the connection of `channel`.
    static func checkRights(channel: CInt) throws(Errno) {
        let file = try Files.open("/proc/self/exe", flags: 0)
        let id = try Errno.check(kernel_fuse_backing_open(channel, file.rawValue))
        _ = kernel_fuse_backing_close(channel, UInt32(id))
    }
}

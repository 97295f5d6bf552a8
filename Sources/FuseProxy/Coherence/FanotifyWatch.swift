import CKernel
import Glibc
import Platform

/// Sees every change on the docroot's file system (`fanotify(7)` with FAN_REPORT_DFID_NAME and a mark on the whole file
/// system), and picks out those in folders that the kernel knows. Needs CAP_SYS_ADMIN.
final class FanotifyWatch: Sendable {
    private struct Known {
        var inodes: [FileHandle: InodeNumber] = [:]
        var handles: [InodeNumber: FileHandle] = [:]
    }

    let descriptor: OwnedDescriptor
    private let known = Guarded(Known())

    private static let mask =
        UInt64(FAN_CREATE) | UInt64(FAN_DELETE) | UInt64(FAN_MOVED_FROM) | UInt64(FAN_MOVED_TO) | UInt64(FAN_MODIFY)
        | UInt64(FAN_ATTRIB) | UInt64(FAN_CLOSE_WRITE) | UInt64(FAN_ONDIR)

    /// - Throws: EPERM without the right; EXDEV, ENODEV or EOPNOTSUPP when the file system has no handles to report.
    init(docroot: CInt) throws(Errno) {
        let flags =
            UInt32(FAN_CLASS_NOTIF) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK) | UInt32(FAN_REPORT_FID)
            | UInt32(FAN_REPORT_DIR_FID) | UInt32(FAN_REPORT_NAME)
        descriptor = OwnedDescriptor(adopting: CInt(try Errno.check(kernel_fanotify_init(flags, UInt32(O_RDONLY)))))
        let action = UInt32(FAN_MARK_ADD) | UInt32(FAN_MARK_FILESYSTEM)
        _ = try Errno.check(kernel_fanotify_mark(descriptor.rawValue, action, Self.mask, docroot))
        // Handles are what events are recognised by: without them nothing could be told from anything.
        _ = try FileHandle(of: docroot)
    }

    /// Recognises changes in the folder `inode` from now on.
    ///
    /// - Returns: whether it can be recognised.
    func cover(_ inode: InodeNumber, _ descriptor: CInt) -> Bool {
        guard let handle = try? FileHandle(of: descriptor) else { return false }
        known.withLock { known in
            known.inodes[handle] = inode
            known.handles[inode] = handle
        }
        return true
    }

    func covers(_ inode: InodeNumber) -> Bool { known.withLock { $0.handles[inode] != nil } }

    func forget(_ inode: InodeNumber) {
        known.withLock { known in
            guard let handle = known.handles.removeValue(forKey: inode) else { return }
            if known.inodes[handle] == inode { known.inodes[handle] = nil }
        }
    }

    /// Takes what has happened out of `bytes`, as read from `descriptor`.
    func changes(in bytes: UnsafeRawBufferPointer) -> Set<Change> {
        var changes: Set<Change> = []
        var rest = bytes
        // struct fanotify_event_metadata: u32 length, u8 version, u8, u16 metadata length, u64 mask, s32 fd, s32 pid.
        while rest.count >= 24 {
            let length = Int(rest.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let metadataLength = Int(rest.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
            let mask = rest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            guard length >= metadataLength, length <= rest.count else { break }
            if mask & UInt64(FAN_Q_OVERFLOW) != 0 {
                changes.insert(.everything)
            } else {
                let records = UnsafeRawBufferPointer(rebasing: rest[metadataLength..<length])
                if let change = change(records) { changes.insert(change) }
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
        return changes
    }

    /// One event's information records: u8 type, u8, u16 length, u64 fsid, u32 handle bytes, s32 handle type, the handle, and
    /// for some the name.
    private func change(_ records: UnsafeRawBufferPointer) -> Change? {
        var rest = records
        var file: FileHandle?
        while rest.count >= 20 {
            let type = Int32(rest[0])
            let length = Int(rest.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            let handleCount = Int(rest.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            guard length >= 20 + handleCount, length <= rest.count else { return nil }
            let handle = FileHandle(
                type: rest.loadUnaligned(fromByteOffset: 16, as: Int32.self),
                bytes: Array(rest[20..<(20 + handleCount)]))
            switch type {
            case FAN_EVENT_INFO_TYPE_DFID_NAME:
                guard let directory = known.withLock({ $0.inodes[handle] }) else {
                    // A folder the kernel does not know; the file in it, which comes next, it may know by another name.
                    break
                }
                let name = (rest.baseAddress! + 20 + handleCount).assumingMemoryBound(to: CChar.self)
                // The folder itself is named `.`.
                return ComponentName(name).map { .name(directory, $0) } ?? .directory(directory)
            case FAN_EVENT_INFO_TYPE_DFID:
                return known.withLock { $0.inodes[handle] }.map { .directory($0) }
            case FAN_EVENT_INFO_TYPE_FID:
                file = handle
            default:
                break
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
        return file.map { .file($0) }
    }
}

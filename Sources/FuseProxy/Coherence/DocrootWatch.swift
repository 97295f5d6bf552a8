import CKernel
import Glibc
import Platform

/// How the proxy learns of changes in the docroot: whichever of the kernel's two ways is to be had.
enum DocrootWatch: Sendable {
    case fanotify(FanotifyWatch)
    /// The second best, and why the best is not to be had.
    case inotify(InotifyWatch, fanotifyFailure: Errno)

    /// Starts to watch.
    ///
    /// - Throws: a sentence when neither way is to be had, or would not see all changes.
    init(docroot: Docroot) throws(MountFailure) {
        if let remote = Self.remoteFileSystem(docroot.rawDescriptor) {
            throw MountFailure("the docroot is on \(remote), whose changes elsewhere nobody tells this machine of")
        }
        let fanotifyFailure: Errno
        do throws(Errno) {
            self = .fanotify(try FanotifyWatch(docroot: docroot.rawDescriptor))
            return
        } catch {
            // Without the right, or on a file system without handles: the other way may do.
            fanotifyFailure = error
        }
        do throws(Errno) {
            self = .inotify(try InotifyWatch(), fanotifyFailure: fanotifyFailure)
        } catch {
            throw MountFailure("inotify: \(error)")
        }
    }

    /// What to wait on, and to read events from.
    var rawDescriptor: CInt {
        switch self {
        case .fanotify(let watch): watch.descriptor.rawValue
        case .inotify(let watch, _): watch.descriptor.rawValue
        }
    }

    var name: String {
        switch self {
        case .fanotify: "fanotify"
        case .inotify: "inotify"
        }
    }

    /// Why changes are not watched by fanotify, which sees more; nil when they are.
    var fanotifyFailure: Errno? {
        switch self {
        case .fanotify: nil
        case .inotify(_, let failure): failure
        }
    }

    /// Tells changes in the folder `inode` from now on; to be called before the kernel is told of anything in it.
    func cover(_ inode: InodeNumber, _ directory: CInt) -> Bool {
        switch self {
        case .fanotify(let watch): watch.cover(inode, directory)
        case .inotify(let watch, _): watch.cover(inode, directory)
        }
    }

    func covers(_ inode: InodeNumber) -> Bool {
        switch self {
        case .fanotify(let watch): watch.covers(inode)
        case .inotify(let watch, _): watch.covers(inode)
        }
    }

    func forget(_ inodes: [InodeNumber]) {
        for inode in inodes {
            switch self {
            case .fanotify(let watch): watch.forget(inode)
            case .inotify(let watch, _): watch.forget(inode)
            }
        }
    }

    func changes(in bytes: UnsafeRawBufferPointer) -> Set<Change> {
        switch self {
        case .fanotify(let watch): watch.changes(in: bytes)
        case .inotify(let watch, _): watch.changes(in: bytes)
        }
    }

    /// The name of a file system that others change too (`fstatfs(2)`, linux/magic.h); nil for one of this machine's own.
    private static func remoteFileSystem(_ descriptor: CInt) -> String? {
        switch kernel_file_system_type(descriptor) {
        case 0x6969: "NFS"
        case 0x6573_5546: "a FUSE file system"
        case 0xff53_4d42, 0xfe53_4d42, 0x517b: "SMB"
        case 0x0102_1997: "9P"
        case 0x00c3_6400: "Ceph"
        case 0x5346_414f, 0x6b41_4653: "AFS"
        default: nil
        }
    }
}

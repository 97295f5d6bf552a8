import Glibc
import Platform

/// A file that exists in the mount's root for a moment at the start, and only for whoever knows its name: this process, which
/// opens and closes it once.
///
/// That is how the kernel learns what serverfs does not answer, before anybody else enters: FLUSH above all. A process that
/// is killed with files of its own mount open would otherwise send the first FLUSH of all while it exits, with nobody left to
/// say ENOSYS, and never end. With `stateless`, OPEN is learnt the same way.
final class LessonFile: Sendable {
    /// A name nobody meets by chance.
    let name: String
    private let component: ComponentName
    private let number = Guarded<InodeNumber?>(nil)

    /// What the lesson's OPEN is answered with, so that its RELEASE is known.
    static let handle = UInt64.max

    init() {
        name = ".serverfs-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        component = ComponentName(name)!
    }

    /// No real file has it.
    static let identity = InodeIdentity(file: FileIdentity(device: .max, inode: .max), type: S_IFREG)

    func isNamed(_ name: ComponentName) -> Bool { name == component }

    func isNumbered(_ inode: InodeNumber) -> Bool { number.withLock { $0 == inode } }

    func remember(_ inode: InodeNumber) { number.withLock { $0 = inode } }

    /// An empty file that only its owner may read.
    static var attributes: stat {
        var attributes = stat()
        attributes.st_ino = .max
        attributes.st_mode = S_IFREG | 0o400
        attributes.st_nlink = 1
        attributes.st_uid = geteuid()
        attributes.st_gid = getegid()
        attributes.st_blksize = 4096
        return attributes
    }

    /// Opens and closes the file in the mount. On the life cycle's thread, once the session is initialized.
    func teach(mountPoint: String) throws(Errno) {
        try Files.open("\(mountPoint)/\(name)", flags: O_RDONLY).close()
    }
}

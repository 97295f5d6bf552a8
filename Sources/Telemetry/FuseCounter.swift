/// What a FUSE thread counts: requests by operation (linux/fuse.h), and what they moved.
package enum FuseCounter: Int, CounterKey {
    case lookup, forget, getattr, readlink, opendir, readdir, readdirplus, releasedir
    case open, read, release, lseek, statfs, initialize, modification, other
    /// Bytes of READ replies.
    case readBytes
    /// Replies that were an error.
    case errorReplies
    /// Requests that a FUSE thread of our own has made, answered EDEADLK.
    case deadlocksAvoided

    /// The operation's name in FUSE's own words; nil for counters that count something else.
    package var operation: String? {
        switch self {
        case .lookup: "lookup"
        case .forget: "forget"
        case .getattr: "getattr"
        case .readlink: "readlink"
        case .opendir: "opendir"
        case .readdir: "readdir"
        case .readdirplus: "readdirplus"
        case .releasedir: "releasedir"
        case .open: "open"
        case .read: "read"
        case .release: "release"
        case .lseek: "lseek"
        case .statfs: "statfs"
        case .initialize: "init"
        case .modification: "modification"
        case .other: "other"
        case .readBytes, .errorReplies, .deadlocksAvoided: nil
        }
    }

    /// The counter of a request by its opcode (`enum fuse_opcode`).
    package init(opcode: UInt32) {
        self =
            switch opcode {
            case 1: .lookup
            case 2, 42: .forget
            case 3: .getattr
            case 5: .readlink
            case 14: .open
            case 15: .read
            case 17: .statfs
            case 18: .release
            case 26: .initialize
            case 27: .opendir
            case 28: .readdir
            case 29: .releasedir
            case 44: .readdirplus
            case 46: .lseek
            // SETATTR, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, WRITE, SETXATTR, REMOVEXATTR, CREATE, FALLOCATE,
            // RENAME2, COPY_FILE_RANGE, TMPFILE
            case 4, 6, 8...13, 16, 21, 24, 35, 43, 45, 47, 51: .modification
            default: .other
            }
    }
}

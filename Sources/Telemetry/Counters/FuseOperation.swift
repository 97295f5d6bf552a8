/// What FUSE requests are told apart by: the operations that a read-only file system answers, and the rest in two.
public enum FuseOperation: Int, LatencyKey {
    case lookup, forget, getattr, readlink, opendir, readdir, readdirplus, releasedir
    case open, read, release, lseek, statfs, initialize, modification, other

    /// Its name in FUSE's own words.
    package var name: String { self == .initialize ? "init" : "\(self)" }

    /// The name of a single opcode, in capitals as the kernel's header has it.
    package static func name(opcode: UInt16) -> String {
        switch opcode {
        case 22: "GETXATTR"
        case 23: "LISTXATTR"
        case 25: "FLUSH"
        case 34: "ACCESS"
        case 36: "INTERRUPT"
        case 38: "DESTROY"
        case 39: "IOCTL"
        case 40: "POLL"
        case 42: "BATCH_FORGET"
        case 52: "STATX"
        default:
            switch FuseOperation(opcode: UInt32(opcode)) {
            case .modification, .other: "FUSE opcode \(opcode)"
            case let operation: operation.name.uppercased()
            }
        }
    }

    /// The operation of a request by its opcode (`enum fuse_opcode`).
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

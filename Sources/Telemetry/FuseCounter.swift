/// What a FUSE thread counts: requests by operation (`enum fuse_opcode` of linux/fuse.h), and what they moved.
package enum FuseCounter: Int, CounterKey {
    case lookup, forget, getattr, readlink, opendir, readdir, readdirplus, releasedir
    case open, read, release, statfs, initialize, modification
    /// Bytes of READ replies.
    case readBytes
    /// Replies that were an error.
    case errorReplies

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
        case .statfs: "statfs"
        case .initialize: "init"
        case .modification: "modification"
        case .readBytes, .errorReplies: nil
        }
    }
}

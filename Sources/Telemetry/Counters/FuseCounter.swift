/// What a FUSE thread counts: requests by operation (linux/fuse.h), and what they moved.
public enum FuseCounter: Int, CounterKey {
    case lookup, forget, getattr, readlink, opendir, readdir, readdirplus, releasedir
    case open, read, release, lseek, statfs, initialize, modification, other
    /// Bytes of READ replies.
    case readBytes
    /// Replies that were an error.
    case errorReplies
    /// Requests that a FUSE thread of our own has made, answered EDEADLK.
    case deadlocksAvoided

    /// The counter of an operation's requests.
    package init(_ operation: FuseOperation) {
        // Operations come first here, in their own order.
        self = FuseCounter(rawValue: operation.rawValue)!
    }
}

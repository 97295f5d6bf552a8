import Glibc
import Platform

/// The bounds of the server, each with what happens when it is reached.
enum Limits {
    /// Bytes received at a time, and so the largest head (`RequestLimits.headBytesMax`): 431.
    static let readBufferBytes = 16 * 1024
    /// Bytes of a response head, the longest Location included: 500.
    static let headBufferBytes = 32 * 1024
    /// Bytes read at a time where a body is copied: what does not fit takes another read.
    static let bodyBufferBytes = 64 * 1024
    /// Bytes of a file that is sent from a mapping: larger ones are sent with sendfile.
    static let mappedFileBytesMax = Int64(PagePipe.capacity)
    /// Bytes of a file that is held in memory because it has just changed, read with one READ: larger ones are looked at before their
    /// last bytes are sent.
    static let snapshotBytesMax: Int64 = 256 * 1024
    /// Files held so at a time: more are treated like larger ones.
    static let snapshotsMax = 256
    /// For how long, and how often at least, a file is read anew that changes while it is read: 503, and for as long again no
    /// other request tries.
    static let snapshotNanosecondsMax: UInt64 = 24_000_000
    static let snapshotAttemptsMin = 8
    /// The same where it cannot be read for now, because its writer is held up, or a thread has no processor; and for how long at most,
    /// however few attempts that are.
    static let lateNanosecondsMax: UInt64 = 200_000_000
    static let lateNanosecondsLast: UInt64 = 1_000_000_000
    /// How often one that is not held in memory is opened anew that is found to have grown.
    static let grownAttemptsMax = 2
    /// What whoever changes it, and the kernel, which is to be told that it has grown, are given meanwhile; in the second case twice as
    /// long each time, up to the other.
    static let snapshotPauseMicroseconds: UInt32 = 250
    static let latePauseMicrosecondsMax: UInt32 = 5000
    /// Bytes of a file that is read past the kernel's pages because it has just changed: larger ones are sent from there all the same.
    static let directBodyBytesMax: Int64 = 16 << 20
    /// Bytes of a body that is sent without a look at the file before its last bytes.
    static let uncheckedBodyBytesMax: Int64 = 64 * 1024
    static let pageBytes = Int(sysconf(CInt(_SC_PAGESIZE)))
    /// The last bytes of others.
    static let heldBackBytes: Int64 = 4095
    /// Files mapped in the process at a time, so that others need not go without (vm.max_map_count is 65,530): more are sent
    /// with sendfile.
    static let mappingsMax = 16_384
    /// Connections a loop takes in one turn: the rest wait for the next.
    static let acceptsPerTurnMax = 64
    /// How often a name that is being replaced is looked up again: 503. And one whose permissions are just being learnt: 403.
    static let staleRetriesMax = 16
    /// How often in a row a file may seem to end before its end: the connection is closed.
    static let earlyEndsMax = 16
    /// Pipelined requests of one connection answered in one turn: the rest wait for the next.
    static let pipelinedRequestsPerTurnMax = 32
    /// Bytes of a body sent on one connection in one turn: the others come first, then it goes on. Chunks that fit the
    /// processor's cache are also faster than one large sendfile.
    static let bodyBytesPerTurnMax = 256 * 1024
    /// Connections waiting to be accepted, for each listener: the kernel drops what comes then, and the client tries again.
    static let backlog: Int32 = 4096
    /// Seconds for a request head to arrive in full: 408.
    static let headTimeoutSeconds = 30
    /// Seconds without a byte taken by the client, during a response: the connection is closed.
    static let sendTimeoutSeconds = 60
    /// How often in a row a socket may be writable without anything being sent: the connection is closed.
    static let fruitlessWakeUpsMax = 100
    /// Seconds that a file which nobody asks for is kept open: it is closed.
    static let openFileIdleSeconds = 60
    /// Milliseconds between two looks at whether a loop's thread is stuck: it is when it is found in the same call twice.
    static let stallSampleMilliseconds: Int32 = 25
    /// Requests of one loop whose threads are stuck in a file system at a time: 503 for more.
    static let stuckRequestsMax = 64
    /// Seconds beyond the drain that a loop may take to end: then it is left behind.
    static let stopSecondsMax: UInt64 = 1
    /// What a thread whose loop has ended may take to be gone.
    static let threadEndNanoseconds: UInt64 = 50_000_000
    /// Seconds to wait for a client to take the last response and close, where it may still be sending.
    static let lingerTimeoutSeconds = 2
    /// Bytes thrown away in that time: then the connection is closed hard.
    static let lingerBytesMax = 1 << 20
}

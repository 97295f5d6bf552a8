/// The bounds of the admin side, each with what happens when it is reached.
enum Limits {
    /// Connections: those that have asked for nothing for longest are closed.
    static let connectionsMax = 32
    /// Bytes of a request head: 400.
    static let headBytesMax = 8 * 1024
    /// Bytes of a request body, of which `on` and `off` are the longest that are understood: 413.
    static let bodyBytesMax = 1024
    /// Bytes that are received and not used yet: no more are taken.
    static let receivedBytesMax = 64 * 1024
    /// Seconds for a request to arrive, for a connection to stay without one, and for a client to take a response: it is closed.
    static let requestSeconds = 30
    /// Addresses that one name may stand for: the first are listened on.
    static let addressesMax = 4
    /// Connections waiting to be accepted: the kernel drops what comes then, and the client tries again.
    static let backlog: Int32 = 64
    /// Milliseconds until a connection is accepted after the last place was taken.
    static let fullMilliseconds = 20
    /// Streams of events, and half of the connections: 503.
    static let eventStreamsMax = 16
    /// Bytes that wait for a client of a stream: it gets no event until it has taken them, and is closed when it takes none for
    /// `requestSeconds`; and nothing more is read of a trace.
    static let waitingBytesMax = 256 * 1024
    /// Seconds of a trace: 400.
    static let traceSecondsMax: Double = 600
    /// Bytes that a client takes of a trace in so much time while there are more for it: whoever takes fewer is cut off, and his
    /// trace, which keeps others from theirs, ends.
    static let traceBytesMin: UInt64 = 256 * 1024
    static let traceBytesNanoseconds: UInt64 = 10_000_000_000
    /// Bytes of a trace that are sent in one turn: then others have theirs.
    static let pipeBytesMax = 64 * 1024
    /// Milliseconds for the admin's thread to end: it is left behind then.
    static let endMilliseconds: Int32 = 2000
    /// Milliseconds for a trace's thread to end after it has been told to: it is left behind then.
    static let traceEndMilliseconds: Int32 = 1000
}

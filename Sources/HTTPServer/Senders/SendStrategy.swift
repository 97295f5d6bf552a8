/// `--send`: how a body gets from its file to the socket.
package enum SendStrategy: String, CaseIterable, Sendable {
    /// `sendfile`, but `copy` where the mount uses direct I/O.
    case auto
    /// `sendfile(2)`: from the page cache, without a copy through user memory.
    case sendfile
    /// `pread(2)` into a buffer and `send(2)` from it.
    case copy
}

/// The sender that a tree's files are sent with: what a strategy comes to.
package enum Sender: String, Sendable {
    case sendfile, copy

    /// - Parameter usesDirectIO: on this kernel `sendfile` from a FUSE file with direct I/O is answered from the page cache,
    ///   with no READ and perhaps with bytes of the past.
    package init(_ strategy: SendStrategy, usesDirectIO: Bool) {
        switch strategy {
        case .auto: self = usesDirectIO ? .copy : .sendfile
        case .sendfile: self = .sendfile
        case .copy: self = .copy
        }
    }
}

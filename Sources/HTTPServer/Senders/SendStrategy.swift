/// `--send`: how a body gets from its file to the socket.
package enum SendStrategy: String, CaseIterable, Sendable {
    /// `sendfile`, but `copy` where the mount uses direct I/O, and `mmap` where it passes files through that are kept open.
    case auto
    /// `sendfile(2)`: from the page cache, without a copy through user memory.
    case sendfile
    /// `mmap(2)`, `vmsplice(2)` and `splice(2)`: small files that are kept open are mapped, and their pages sent from there;
    /// others as by `sendfile`. Through a passthrough mount a mapping is of the docroot's file itself, so that what FUSE adds
    /// to each read is gone.
    case mmap
    /// `pread(2)` into a buffer and `send(2)` from it.
    case copy
}

/// The sender that a tree's files are sent with: what a strategy comes to.
package enum Sender: String, Sendable {
    case sendfile, mmap, copy

    /// - Parameters:
    ///   - usesDirectIO: on this kernel `sendfile` from a FUSE file with direct I/O is answered from the page cache, with no
    ///     READ and perhaps with bytes of the past.
    ///   - mayMap: whether there is a mount of which a file's mapping is one of the docroot's own, on a local file system, and
    ///     files are kept open.
    package init(_ strategy: SendStrategy, usesDirectIO: Bool, mayMap: Bool) {
        switch strategy {
        case .auto: self = usesDirectIO ? .copy : mayMap ? .mmap : .sendfile
        case .sendfile: self = .sendfile
        case .mmap: self = .mmap
        case .copy: self = .copy
        }
    }
}

/// Every choice of how the proxy works, by the names of the options that make it.
package struct ProxyConfiguration: Sendable {
    /// `--fuse-api`
    package var api = FuseAPI.lowLevel
    /// `--fuse-threads`
    package var threads = 2
    /// `--fuse-open`
    package var open = OpenStrategy.perOpen
    /// `--fuse-read`
    package var read = ReadStrategy.copy
    /// `--fuse-cache`
    package var cache = CachePolicy.timeout(seconds: 1)
    /// How many folders of the docroot are kept open to look names up in.
    package var directoryDescriptorsMax = 512
    /// How many files of the docroot are kept open beyond those the kernel has open: `retained` and `stateless`.
    package var fileDescriptorsMax = 1024

    package init() {}

    /// Whether the kernel keeps pages that it has asked the daemon for.
    package var keepsPages: Bool { cache != .none && open != .passthrough }

    /// Why these choices cannot work together; nil when they can.
    package var contradiction: String? {
        if api == .highLevel, cache != .none {
            return
                "--fuse-api highlevel knows files by path, so that the kernel would take what it kept of a file for its "
                + "successor's: it needs --fuse-cache none"
        }
        return switch (open, cache) {
        case (.stateless, .none):
            "--fuse-open stateless lets the kernel keep pages, which --fuse-cache none forbids"
        case (.passthrough, .none):
            "--fuse-open passthrough sends no READ, which is what --fuse-cache none is for"
        default: nil
        }
    }
}

/// `--fuse-api`: which of libfuse's two APIs.
package enum FuseAPI: String, CaseIterable, Sendable {
    /// Inodes and replies, as the kernel has them.
    case lowLevel = "lowlevel"
    /// Paths and results; libfuse has an inode table of its own below ours.
    case highLevel = "highlevel"
}

/// `--fuse-open`: what an OPEN costs, and what it holds.
package enum OpenStrategy: String, CaseIterable, Sendable {
    /// Every OPEN opens the docroot's file, and its RELEASE closes it.
    case perOpen = "per-open"
    /// A file stays open after its last RELEASE, until a bounded number of others have been used since.
    case retained
    /// OPEN and OPENDIR are answered ENOSYS once: the kernel opens by itself from then on.
    case stateless
    /// The kernel reads the docroot's file itself (Linux 6.9): no READ reaches the daemon.
    case passthrough
}

/// `--fuse-read`: how the reply to a READ gets its bytes.
package enum ReadStrategy: String, CaseIterable, Sendable {
    /// `pread` into a buffer, and the buffer into the reply.
    case copy
    /// From the page cache into a pipe and from there into the reply, without passing user memory (`splice(2)`).
    case splice
    /// From a mapping of the docroot's file.
    case mmap
}

/// `--fuse-cache`: what the kernel may keep of the answers it was given.
package enum CachePolicy: Sendable, Equatable {
    /// Nothing, and every read of a file is a READ (direct I/O).
    case none
    /// Names and attributes for some seconds, and pages as long as the file has not changed.
    case timeout(seconds: Double)
    /// Everything, for as long as it is right: a watcher tells the kernel of changes.
    case watched

    /// As the option is written.
    package var name: String {
        switch self {
        case .none: "none"
        case .watched: "watched"
        case .timeout(let seconds):
            seconds == seconds.rounded() ? "timeout \(Int(seconds)) s" : "timeout \(seconds) s"
        }
    }
}

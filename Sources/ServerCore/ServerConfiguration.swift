package import FuseProxy
package import HTTPServer

/// What the command line asks for.
package struct ServerConfiguration: Sendable {
    package var docrootPath = "www"
    /// The set that the choices below were made from, before those that were made by themselves.
    package var profile = Profile.fast
    /// Addresses whose requests go through the mount, unless the bypass is on.
    package var listen: [ListenAddress] = []
    /// Addresses that always read the docroot.
    package var listenBypass: [ListenAddress] = []
    /// No mount at all.
    package var bypass = false
    /// nil: a new private folder.
    package var mountPointPath: String?
    package var workers = 2
    /// How the mount works.
    package var proxy = ProxyConfiguration()
    /// Files kept open for each worker; 0 for none.
    package var openFileCacheCapacity = 1024
    package var send = SendStrategy.auto
    /// Whether the docroot is on a file system that keeps its files itself, so that no mapping of one waits for another
    /// process or machine: found out at the start.
    var docrootIsSelfContained = false
    package var keepAliveSeconds = 65
    /// Seconds after which the client is told that a file system keeps its request waiting.
    package var stallTimeoutSeconds = 10
    package var onMountLoss = MountLossPolicy.bypass
    /// Whether the server takes times; it counts always.
    package var telemetry = true
    /// Whether responses say what their request has cost so far.
    package var serverTiming = false
    /// Where a trace from the start goes; nil for none.
    package var traceFilePath: String?
    package var admin = AdminChoice.standard
    /// A file with the token that the admin side asks for.
    package var adminTokenPath: String?

    package init() {}

    /// Whether the mount's files are opened with direct I/O.
    var mountUsesDirectIO: Bool { proxy.cache == .none }

    /// Whether the mount's files may be mapped, as the docroot's own, and stay open for it to be worth while.
    private var mayMap: Bool {
        !bypass && proxy.open == .passthrough && openFileCacheCapacity > 0 && docrootIsSelfContained
    }

    /// What `send` comes to, for the mount's files and for the docroot's: with a mount it is the mount that chooses for both, so
    /// that the two differ by nothing else.
    var mountSender: Sender { Sender(send, usesDirectIO: mountUsesDirectIO, mayMap: mayMap) }
    var bypassSender: Sender { Sender(send, usesDirectIO: false, mayMap: mayMap) }

    /// Why these choices cannot work together; nil when they can.
    package var contradiction: String? {
        if serverTiming, !telemetry { return "--server-timing says what --telemetry on measures: it cannot be off" }
        if admin == .off, adminTokenPath != nil { return "--admin-token-file has no use with --admin off" }
        if send == .mmap, openFileCacheCapacity == 0 {
            return "--send mmap sends files that are kept open: it needs the open-file cache"
        }
        if bypass { return nil }
        if let contradiction = proxy.contradiction { return contradiction }
        if proxy.cache == .none, send == .sendfile {
            return
                "--send sendfile is answered from the page cache, which --fuse-cache none forbids: it needs --send copy"
        }
        if send == .mmap, proxy.open != .passthrough {
            return
                "--send mmap would map files of the mount in the process that answers for it, which may then wait for "
                + "itself: it needs --fuse-open passthrough, or --bypass"
        }
        return nil
    }
}

/// `--admin`
package enum AdminChoice: Sendable, Equatable {
    case off
    /// Not chosen: 127.0.0.1:9180, unless somebody has that port, as another serverfs may.
    case standard
    case address(ListenAddress)

    package static let standardAddress = ListenAddress("127.0.0.1:9180")!
}

import AdminServer
import FuseProxy
import Platform

/// How the process's descriptor limit is shared out, so that none of its parts can take what another needs.
struct DescriptorBudget: Sendable {
    /// RLIMIT_NOFILE as it was at the start, and as it is now.
    let limitBefore: UInt64
    let limit: UInt64
    /// Files kept open by each worker, for each of mount and docroot.
    let openFileCacheCapacity: Int
    let connectionsMaxPerWorker: Int
    /// Folders and files of the docroot that the proxy keeps open beyond what the kernel has open; files by up to two
    /// descriptors: a name, and one to read from.
    let directoryDescriptorsMax: Int
    let fileDescriptorsMax: Int
    /// Connections of the admin side, which nobody else's can take the place of.
    let adminConnectionsMax: Int

    /// The standard streams, the docroot, signals, the watchdog, the session, what holds its channels' numbers, its watcher.
    private static let base = 20
    /// A FUSE thread's own: its channel, and two while it waits for a writer.
    private static let perFuseThread = 3
    /// An event loop's own, without its listeners: the pipe that mapped bodies go through among them. A thread that
    /// is stuck while it sends one keeps it, in place of what its connection may have for a file.
    private static let perWorker = 6
    private static let connectionsMinPerWorker = 4
    /// The admin side's own: its loop and its listeners, two descriptors each, what it reads of /proc, and a trace's pipe.
    private static let admin = 10 + 2 * AdminServer.addressesMax
    private static let adminConnectionsMin = 4
    /// The events that a trace looks at, for each thread, and for threads beside those that serve: what it does not get it does
    /// without.
    private static let traceEventsPerThread = 3
    private static let otherThreads = 8
    /// A file kept open is one descriptor for the docroot's tree, and two for the mount's: the server's and the daemon's.
    private static let perCachedFile = 3
    /// A connection is a socket, and while it sends a file one or two more.
    private static let perConnection = 3

    /// Raises the limit as far as it goes and shares it out.
    ///
    /// - Parameter listeners: the addresses that each worker listens on.
    /// - Throws: when so few descriptors cannot serve anybody.
    init(
        workers: Int, listeners: Int, fuseThreads: Int, openFileCacheCapacity requested: Int, hasAdmin: Bool
    ) throws(StartFailure) {
        let (before, now) = (try? DescriptorLimit.raise()) ?? (0, 1024)
        try self.init(
            limitBefore: before, limit: now, workers: workers, listeners: listeners, fuseThreads: fuseThreads,
            openFileCacheCapacity: requested, hasAdmin: hasAdmin)
    }

    /// The proxy's configuration with the descriptors that are its own.
    func bounding(_ proxy: ProxyConfiguration) -> ProxyConfiguration {
        var proxy = proxy
        proxy.directoryDescriptorsMax = directoryDescriptorsMax
        proxy.fileDescriptorsMax = fileDescriptorsMax
        return proxy
    }

    init(
        limitBefore: UInt64, limit: UInt64, workers: Int, listeners: Int, fuseThreads: Int,
        openFileCacheCapacity requested: Int, hasAdmin: Bool
    ) throws(StartFailure) {
        self.limitBefore = limitBefore
        self.limit = limit
        let total = Int(clamping: limit)
        directoryDescriptorsMax = max(min(512, total / 8), 4)
        fileDescriptorsMax = max(min(1024, total / 8), 4)
        adminConnectionsMax =
            hasAdmin ? max(min(AdminServer.connectionsMax, total / 32), Self.adminConnectionsMin) : 0
        let traceEvents = min(Self.traceEventsPerThread * (workers + fuseThreads + Self.otherThreads), total / 16)
        let admin = hasAdmin ? Self.admin + adminConnectionsMax + traceEvents : 0
        let fixed =
            Self.base + WriterWait.descriptorsMax(of: total) + workers * (Self.perWorker + listeners)
            + fuseThreads * Self.perFuseThread + admin
        let least = fixed + 4 + 2 * 4 + workers * Self.connectionsMinPerWorker * Self.perConnection
        guard total >= least else {
            throw StartFailure(
                "\(total) descriptors (RLIMIT_NOFILE) are too few for \(workers) workers: they need \(least) at least")
        }
        let available = max(total - fixed - directoryDescriptorsMax - 2 * fileDescriptorsMax, 0)
        openFileCacheCapacity = min(requested, available / 2 / (Self.perCachedFile * workers))
        let left = available - openFileCacheCapacity * Self.perCachedFile * workers
        connectionsMaxPerWorker = max(left / Self.perConnection / workers, Self.connectionsMinPerWorker)
    }
}

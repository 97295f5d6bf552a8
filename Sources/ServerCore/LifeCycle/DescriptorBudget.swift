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

    /// The standard streams, the docroot, signals, the watchdog, the session, what holds its channels' numbers, its watcher.
    private static let base = 20
    /// An event loop's own, without its listeners.
    private static let perWorker = 4
    private static let connectionsMinPerWorker = 4
    /// A file kept open is one descriptor for the docroot's tree, and two for the mount's: the server's and the daemon's.
    private static let perCachedFile = 3
    /// A connection is a socket, and while it sends a file one or two more.
    private static let perConnection = 3

    /// Raises the limit as far as it goes and shares it out.
    ///
    /// - Parameter listeners: the addresses that each worker listens on.
    /// - Throws: when so few descriptors cannot serve anybody.
    init(
        workers: Int, listeners: Int, fuseThreads: Int, openFileCacheCapacity requested: Int
    ) throws(StartFailure) {
        let (before, now) = (try? DescriptorLimit.raise()) ?? (0, 1024)
        try self.init(
            limitBefore: before, limit: now, workers: workers, listeners: listeners, fuseThreads: fuseThreads,
            openFileCacheCapacity: requested)
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
        openFileCacheCapacity requested: Int
    ) throws(StartFailure) {
        self.limitBefore = limitBefore
        self.limit = limit
        let total = Int(clamping: limit)
        directoryDescriptorsMax = max(min(512, total / 8), 4)
        fileDescriptorsMax = max(min(1024, total / 8), 4)
        let fixed = Self.base + workers * (Self.perWorker + listeners) + fuseThreads
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

import AdminServer
import FuseProxy
import Glibc
import HTTPServer
import Platform
import Synchronization
package import Telemetry

/// serverfs: the mount, and the HTTP server that reads through it.
///
/// One thread calls `init` and `stop`; the rest may be called by any other meanwhile.
package final class Server: @unchecked Sendable {
    /// The start banner: what runs, where, and how.
    package let banner: Banner
    /// nil without a mount.
    let keeper: MountKeeper?
    let http: HTTPServer
    let docroot: Docroot
    package let measurements: Measurements
    private let traceFile: TraceFile?
    /// nil where it is off. The life cycle's thread only.
    var admin: AdminServer?
    /// The ports of `listen` and `listenBypass`, those that the kernel has chosen included.
    package let ports: [UInt16]
    package let bypassPorts: [UInt16]
    /// Clients' connections that there may be, and the descriptors of which they get their part.
    package let connectionsMax: Int
    package let descriptorsMax: UInt64

    /// Seconds for responses under way when the server stops.
    private static let drainSeconds = 0.5

    /// Starts everything, in the order that cannot hang: docroot, addresses, mount, and only when it answers, the loops.
    /// On failure nothing is left behind.
    ///
    /// - Parameters:
    ///   - watchdog: the process that watches over the mount.
    ///   - report: says something to the operator, later; any thread.
    package init(
        _ configuration: ServerConfiguration, watchdog: Watchdog?, report: @escaping @Sendable (String) -> Void
    ) throws(StartFailure) {
        if let contradiction = configuration.contradiction { throw StartFailure(contradiction) }
        let startNanoseconds = Clock.monotonicNanoseconds
        let budget = try DescriptorBudget(
            workers: configuration.workers, listeners: configuration.listen.count + configuration.listenBypass.count,
            fuseThreads: configuration.proxy.threads, openFileCacheCapacity: configuration.openFileCacheCapacity,
            hasAdmin: configuration.admin != .off)
        if !configuration.bypass { try Self.keepChannelNumbers(configuration.proxy.threads) }
        let docroot = try Self.openDocroot(configuration.docrootPath)
        var configuration = configuration
        configuration.docrootIsSelfContained = MountTable.selfContainedDevice(docroot.rawDescriptor) != nil
        if configuration.send == .mmap, !configuration.docrootIsSelfContained {
            throw StartFailure(
                "--send mmap cannot map files of \(docroot.path): its file system is not one that is known to keep its files itself"
            )
        }
        self.docroot = docroot
        let measurements = Measurements(isTiming: configuration.telemetry)
        self.measurements = measurements
        traceFile = try configuration.traceFilePath.map { (path) throws(StartFailure) in
            try TraceFile(path, measurements, report: report)
        }
        let listening = try Self.bind(configuration.listen, workers: configuration.workers)
        let listeningBypass = try Self.bind(configuration.listenBypass, workers: configuration.workers)
        // Sockets of one process may share a port: which of two would answer would be chance.
        var taken: Set<String> = []
        for address in listening + listeningBypass where !taken.insert(address.description).inserted {
            throw StartFailure("cannot listen on \(address.description): Address already in use, by another option")
        }

        let (adminListener, adminMissing) = try AdminListener.open(configuration)

        let proxy = budget.bounding(configuration.proxy)
        var mount: ProxyMount?
        if !configuration.bypass {
            let mountPoint =
                if let path = configuration.mountPointPath { try MountPoint.use(path, docroot: docroot) } else {
                    try MountPoint.privateFolder(docroot: docroot)
                }
            mount = try ProxyMount(
                docroot: docroot, mountPoint: mountPoint, configuration: proxy, watchdog: watchdog,
                measurements: measurements)
        }

        do throws(Errno) {
            let root = try mount.map { (mount) throws(Errno) in
                MountRoot(descriptor: try mount.openRoot(), device: mount.session.device)
            }
            http = try HTTPServer(
                HTTPServerConfiguration(
                    workers: configuration.workers, openFileCacheCapacity: budget.openFileCacheCapacity,
                    mountSender: configuration.mountSender, bypassSender: configuration.bypassSender,
                    mountKeepsPages: configuration.proxy.keepsPages,
                    keepAliveSeconds: configuration.keepAliveSeconds,
                    connectionsMaxPerWorker: budget.connectionsMaxPerWorker,
                    stallTimeoutSeconds: configuration.stallTimeoutSeconds, onMountLoss: configuration.onMountLoss,
                    serverTiming: configuration.serverTiming),
                listening: listening.map(\.sockets), listeningBypass: listeningBypass.map(\.sockets), mount: root,
                docrootRoot: SharedDescriptor(
                    try Files.openBeneath(
                        docroot.rawDescriptor, ".", flags: Files.pathOnly | O_DIRECTORY, resolution: .beneath)),
                measurements: measurements)
            keeper = try mount.map { (mount) throws(Errno) in
                try MountKeeper(
                    mount, docroot: docroot, configuration: proxy, watchdog: watchdog,
                    policy: configuration.onMountLoss, measurements: measurements, report: report)
            }
            try http.start()
            do throws(Errno) {
                try keeper?.start(http)
            } catch {
                _ = http.stop(drainSeconds: 0)
                throw error
            }
        } catch {
            _ = mount?.stop()
            throw StartFailure("cannot start the event loops: \(error)")
        }
        ports = listening.map { Self.port(in: $0.description) }
        connectionsMax = budget.connectionsMaxPerWorker * configuration.workers
        descriptorsMax = budget.limit
        bypassPorts = listeningBypass.map { Self.port(in: $0.description) }
        banner = Banner(
            configuration, budget: budget, docroot: docroot, mount: mount,
            listening: listening.map(\.description), listeningBypass: listeningBypass.map(\.description),
            admin: adminListener, adminMissing: adminMissing)
        try startAdmin(
            adminListener, configuration,
            AdminFigures(
                startNanoseconds: startNanoseconds, budget: budget, mount: mount,
                listening: listening.map(\.description), listeningBypass: listeningBypass.map(\.description)))
    }

    /// Turns the bypass of the `--listen` sockets over.
    ///
    /// - Returns: whether it is on now; nil when there is no mount that could be returned to.
    package func toggleBypass() -> Bool? {
        keeper == nil ? nil : http.bypassSwitch.toggle()
    }

    /// How often the mount was lost.
    package var mountLosses: UInt64 { keeper?.losses ?? 0 }

    /// All counters, in the Prometheus text format.
    package var metricsText: String {
        var metrics = MetricsText()
        metrics.addHTTP(measurements)
        if let keeper {
            metrics.addFUSE(measurements, inodes: keeper.inodeCount)
            metrics.add(isDegraded: keeper.isDegraded, mountLosses: keeper.losses)
        }
        metrics.add(ThreadUsage.all())
        return metrics.text
    }

    /// Stops everything: the loops first, so that no descriptor of the mount is left, then the mount.
    ///
    /// - Returns: whether everything ended; false when a thread is stuck in the docroot.
    package func stop() -> Bool {
        // Last: it tells of the end as well.
        defer { traceFile?.end() }
        // First, as it looks at all the others.
        admin?.stop()
        admin = nil
        guard keeper?.stopKeeping() ?? true else {
            // The watchdog takes away what the keeper is making, once this process has ended.
            _ = http.stop(drainSeconds: Self.drainSeconds)
            keeper?.mount?.unmountAtOnce()
            return false
        }
        let mount = keeper?.mount
        if http.stop(drainSeconds: Self.drainSeconds) { return mount?.stop() ?? true }
        // Who is stuck in the mount is let go of; who is stuck in the docroot is not in our hands.
        mount?.unmountAtOnce(keepsFolder: true)
        let hasEnded = http.join(seconds: 0.5)
        return (mount?.stop() ?? true) && hasEnded
    }

    /// Readable when the mount was lost and the process is to end for that.
    package var endedDescriptor: CInt? { keeper?.ended.rawValue }

    /// Leaves nothing of the mount behind, without waiting for anybody: for a process that must end now.
    package func unmountAtOnce() { keeper?.mount?.unmountAtOnce() }

    /// Keeps low descriptor numbers for /dev/fuse, for `serverfs serve` and `serverfs mount`: before anything else is opened.
    static func keepChannelNumbers(_ count: Int) throws(StartFailure) {
        do throws(Errno) {
            try ChannelNumbers.keep(count)
        } catch {
            throw StartFailure("no descriptors left for the mount: \(error)")
        }
    }

    /// Opens the docroot for `serverfs serve` and `serverfs mount`.
    static func openDocroot(_ path: String) throws(StartFailure) -> Docroot {
        do throws(Errno) {
            let docroot = try Docroot(path: path)
            // Everything is resolved with openat2, which a kernel before 5.6 or a seccomp filter may not have.
            _ = try Files.openBeneath(
                docroot.rawDescriptor, ".", flags: Files.pathOnly | O_DIRECTORY, resolution: .beneath)
            return docroot
        } catch .noFunction {
            throw StartFailure("this kernel has no openat2(2), without which nothing can be served safely")
        } catch {
            throw StartFailure("docroot \(path): \(error)")
        }
    }

    private static func port(in address: String) -> UInt16 {
        UInt16(address.split(separator: ":").last ?? "") ?? 0
    }

    private static func bind(
        _ addresses: [ListenAddress], workers: Int
    ) throws(StartFailure) -> [(sockets: [SharedDescriptor], description: String)] {
        var bound: [(sockets: [SharedDescriptor], description: String)] = []
        for address in addresses {
            do throws(ListenFailure) {
                bound.append(try ListeningSocket.bind(address, count: workers))
            } catch {
                throw StartFailure(error.description)
            }
        }
        return bound
    }
}

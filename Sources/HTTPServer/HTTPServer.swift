import Glibc
package import Platform
package import Telemetry

/// What the server is told once, at the start.
package struct HTTPServerConfiguration: Sendable {
    /// Event loops, each on its own thread.
    package var workers: Int
    /// Files kept open between requests, for each worker and each of mount and docroot; 0 for none.
    package var openFileCacheCapacity: Int
    /// How the mount's files are sent. `mmap` only where a mapping is of a file that a local file system keeps, and no daemon,
    /// least of all this process, is asked for its pages: through a passthrough mount.
    package var mountSender: Sender
    /// How the docroot's files are sent. With `mmap` others than those of the root's own file system are sent by `sendfile`.
    package var bypassSender: Sender
    /// Whether the kernel keeps pages of the mount's files that a daemon has read for it: files that have just changed are read past
    /// them then.
    package var mountKeepsPages: Bool
    /// Seconds that an idle connection is kept.
    package var keepAliveSeconds: Int
    /// Connections of one worker; one more is answered 503 and closed.
    package var connectionsMaxPerWorker: Int
    /// Seconds after which the client is told, when a file system keeps its request waiting: 504.
    package var stallTimeoutSeconds: Int
    /// What is served while the mount is gone.
    package var onMountLoss: MountLossPolicy
    /// Whether responses say what their request has cost so far (Server-Timing).
    package var serverTiming: Bool

    package init(
        workers: Int, openFileCacheCapacity: Int, mountSender: Sender, bypassSender: Sender, mountKeepsPages: Bool,
        keepAliveSeconds: Int, connectionsMaxPerWorker: Int, stallTimeoutSeconds: Int, onMountLoss: MountLossPolicy,
        serverTiming: Bool
    ) {
        self.serverTiming = serverTiming
        self.stallTimeoutSeconds = stallTimeoutSeconds
        self.onMountLoss = onMountLoss
        self.workers = workers
        self.mountSender = mountSender
        self.bypassSender = bypassSender
        self.mountKeepsPages = mountKeepsPages
        self.openFileCacheCapacity = openFileCacheCapacity
        self.keepAliveSeconds = keepAliveSeconds
        self.connectionsMaxPerWorker = connectionsMaxPerWorker
    }
}

/// The static file server: event loops on threads of their own, `http-0` and so on.
///
/// Life cycle, on one thread: `init`, `start`, `stop`, and `join` where `stop` has left threads behind.
package final class HTTPServer: @unchecked Sendable {
    /// What the event loops write into.
    private let measurements: Measurements
    /// Whether the `listen` sockets bypass the mount. Any thread.
    package let bypassSwitch: BypassSwitch
    /// Tells when a request has found the mount to be gone. Any thread.
    package let mountLoss: MountLoss
    private let hosts: [LoopHost]
    private var sockets: [SharedDescriptor]
    private var monitor: StallMonitor?

    /// - Parameters:
    ///   - listening: for each address, one bound socket a worker (`ListeningSocket.bind`).
    ///   - listeningBypass: the same for addresses that always read the docroot.
    ///   - mount: nil for a server without a mount.
    ///   - docrootRoot: the docroot.
    package init(
        _ configuration: HTTPServerConfiguration, listening: [[SharedDescriptor]],
        listeningBypass: [[SharedDescriptor]], mount: MountRoot?, docrootRoot: SharedDescriptor,
        measurements: Measurements
    ) throws(Errno) {
        self.measurements = measurements
        bypassSwitch = BypassSwitch(isOn: mount == nil)
        mountLoss = try MountLoss(mount)
        sockets = (listening + listeningBypass).flatMap { $0 }
        let closer = try DescriptorCloser()
        let budgets = FileBudgets()
        var hosts: [LoopHost] = []
        for worker in 0..<configuration.workers {
            let listeners =
                listening.map { Listener(socket: $0[worker], alwaysBypasses: false) }
                + listeningBypass.map { Listener(socket: $0[worker], alwaysBypasses: true) }
            let loop = try EventLoop(
                configuration: configuration, listeners: listeners, mount: mount, docrootRoot: docrootRoot,
                bypassSwitch: bypassSwitch, mountLoss: mountLoss, closer: closer,
                budgets: budgets, measurements: measurements)
            hosts.append(try LoopHost(loop, name: "http-\(worker)", measurements: measurements))
        }
        self.hosts = hosts
    }

    /// Takes connections from now on. When it fails, what it has started is stopped again.
    package func start() throws(Errno) {
        do throws(Errno) {
            for socket in sockets { try ListeningSocket.listen(socket.rawValue) }
            for host in hosts { try host.start() }
            monitor = try StallMonitor(hosts)
        } catch {
            _ = stop(drainSeconds: 0)
            throw error
        }
    }

    /// Reads from another mount from now on, or, with nil, from none. Responses under way go on with what they read from. Any
    /// thread.
    package func offerMount(_ mount: MountRoot?) {
        mountLoss.expect(mount)
        for host in hosts { host.loop.offerMount(mount) }
    }

    /// Whether anything is read from a mount; after none was offered, from the one before: responses under way, and what a thread is
    /// stuck with. Any thread.
    package var usesMount: Bool { hosts.contains { $0.loop.usesMount } }

    /// Stops accepting, lets responses under way finish for at most `drainSeconds`, closes everything, and joins the
    /// threads.
    ///
    /// - Returns: whether all threads have ended, so that no descriptor of the mount is held any more; false when a file
    ///   system keeps some waiting.
    package func stop(drainSeconds: Double) -> Bool {
        // Who connects from now on is refused, instead of waiting for nobody.
        for socket in sockets { ListeningSocket.stopListening(socket.rawValue) }
        let deadline = Clock.monotonicNanoseconds + UInt64(drainSeconds * 1e9)
        for host in hosts { host.loop.requestDrain(deadlineNanoseconds: deadline) }
        // A loop whose thread is stuck gets another, and ends then.
        let last = deadline + Limits.stopSecondsMax * 1_000_000_000
        for host in hosts { _ = host.waitUntilEnded(deadlineNanoseconds: last) }
        monitor?.stop()
        monitor = nil
        sockets = []
        return join(seconds: 0)
    }

    /// Waits for threads that were stuck when the server was stopped.
    ///
    /// - Returns: whether all have ended.
    package func join(seconds: Double) -> Bool {
        let deadline = Clock.monotonicNanoseconds + UInt64(seconds * 1e9) + Limits.threadEndNanoseconds
        while true {
            let areGone = hosts.map { $0.reap() }.allSatisfy { $0 }
            if areGone || Clock.monotonicNanoseconds >= deadline { return areGone }
            usleep(500)
        }
    }
}

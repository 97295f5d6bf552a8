import Glibc
package import Platform
package import Telemetry

/// What the server is told once, at the start.
package struct HTTPServerConfiguration: Sendable {
    /// Event loops, each on its own thread.
    package var workers: Int
    /// Files kept open between requests, for each worker and each of mount and docroot; 0 for none.
    package var openFileCacheCapacity: Int
    /// `--send`
    package var send: SendStrategy
    /// Whether the mount's files are opened with direct I/O, so that only reading them shows their present bytes.
    package var mountUsesDirectIO: Bool
    /// Seconds that an idle connection is kept.
    package var keepAliveSeconds: Int
    /// Connections of one worker; one more is answered 503 and closed.
    package var connectionsMaxPerWorker: Int

    package init(
        workers: Int, openFileCacheCapacity: Int, send: SendStrategy, mountUsesDirectIO: Bool, keepAliveSeconds: Int,
        connectionsMaxPerWorker: Int
    ) {
        self.workers = workers
        self.send = send
        self.mountUsesDirectIO = mountUsesDirectIO
        self.openFileCacheCapacity = openFileCacheCapacity
        self.keepAliveSeconds = keepAliveSeconds
        self.connectionsMaxPerWorker = connectionsMaxPerWorker
    }
}

/// The static file server: event loops on threads of their own, `http-0` and so on.
///
/// Life cycle, on one thread: `init`, `start`, `stop`. When `stop` has returned, no descriptor of the mount is held any more.
package final class HTTPServer {
    /// What the event loops count. Any thread.
    package let counters = CounterGroup<HTTPCounter>()
    /// Whether the `listen` sockets bypass the mount. Any thread.
    package let bypassSwitch: BypassSwitch
    private var loops: [EventLoop]
    private var sockets: [SharedDescriptor]
    private var threads: [NamedThread] = []

    /// - Parameters:
    ///   - listening: for each address, one bound socket a worker (`ListeningSocket.bind`).
    ///   - listeningBypass: the same for addresses that always read the docroot.
    ///   - mountRoot: the mount's root, nil for a server without a mount.
    ///   - mountDevice: the mount's `st_dev`: what lies on it is never served as the docroot's.
    ///   - docrootRoot: the docroot.
    package init(
        _ configuration: HTTPServerConfiguration, listening: [[SharedDescriptor]],
        listeningBypass: [[SharedDescriptor]], mountRoot: SharedDescriptor?, mountDevice: UInt64?,
        docrootRoot: SharedDescriptor
    ) throws(Errno) {
        bypassSwitch = BypassSwitch(isOn: mountRoot == nil)
        sockets = (listening + listeningBypass).flatMap { $0 }
        var loops: [EventLoop] = []
        for worker in 0..<configuration.workers {
            let listeners =
                listening.map { Listener(socket: $0[worker], alwaysBypasses: false) }
                + listeningBypass.map { Listener(socket: $0[worker], alwaysBypasses: true) }
            loops.append(
                try EventLoop(
                    configuration: configuration, listeners: listeners, mountRoot: mountRoot,
                    mountDevice: mountDevice, docrootRoot: docrootRoot, bypassSwitch: bypassSwitch,
                    counters: counters.makeCounters()))
        }
        self.loops = loops
    }

    /// Takes connections from now on. When it fails, what it has started is stopped again.
    package func start() throws(Errno) {
        do throws(Errno) {
            for socket in sockets { try ListeningSocket.listen(socket.rawValue) }
            for (index, loop) in loops.enumerated() {
                threads.append(try NamedThread("http-\(index)") { loop.run() })
            }
        } catch {
            stop(drainSeconds: 0)
            throw error
        }
    }

    /// Stops accepting, lets responses under way finish for at most `drainSeconds`, closes everything, and joins the
    /// threads.
    package func stop(drainSeconds: Double) {
        // Who connects from now on is refused, instead of waiting for nobody.
        for socket in sockets { ListeningSocket.stopListening(socket.rawValue) }
        let deadline = Clock.monotonicNanoseconds + UInt64(drainSeconds * 1e9)
        for loop in loops { loop.requestDrain(deadlineNanoseconds: deadline) }
        for thread in threads { thread.join() }
        threads = []
        // With them go the descriptors of the mount's root and of the listeners.
        loops = []
        sockets = []
    }
}

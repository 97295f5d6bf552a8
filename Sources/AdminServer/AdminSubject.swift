package import Telemetry

/// The server that the admin side shows and switches. All of it is called on the admin's thread, and so it neither waits for a
/// thread that serves nor enters the mount.
package struct AdminSubject: Sendable {
    package var version: String
    /// CLOCK_MONOTONIC, when the server was started.
    package var startNanoseconds: UInt64
    /// Every option with what is in effect, by its name without the leading dashes.
    package var options: @Sendable () -> [(name: String, value: JSONValue)]
    /// What was asked for, of those that may come to something else.
    package var requestedOptions: [(name: String, value: JSONValue)]
    package var measurements: Measurements
    package var state: @Sendable () -> ServerState
    /// All counters, in the Prometheus text format.
    package var metricsText: @Sendable () -> String
    /// Turns the bypass on or off; false when there is no mount that could be bypassed.
    package var setBypass: @Sendable (Bool) -> Bool

    package init(
        version: String, startNanoseconds: UInt64,
        options: @escaping @Sendable () -> [(name: String, value: JSONValue)],
        requestedOptions: [(name: String, value: JSONValue)], measurements: Measurements,
        state: @escaping @Sendable () -> ServerState,
        metricsText: @escaping @Sendable () -> String, setBypass: @escaping @Sendable (Bool) -> Bool
    ) {
        self.version = version
        self.startNanoseconds = startNanoseconds
        self.options = options
        self.requestedOptions = requestedOptions
        self.measurements = measurements
        self.state = state
        self.metricsText = metricsText
        self.setBypass = setBypass
    }
}

/// How the server fares at one moment.
package struct ServerState: Sendable {
    /// Whether the `--listen` sockets read the docroot directly; nil where there never is a mount.
    package var bypass: Bool?
    package var isMounted: Bool
    /// Whether the mount was lost and is not there again.
    package var isDegraded: Bool
    /// Whether requests are answered from files, and not with 503 for want of a mount.
    package var isServing: Bool
    package var mountLosses: UInt64
    /// Inodes that the kernel knows of the mount.
    package var inodes: Int
    /// What tells of changes in the docroot: `fanotify` or `inotify`; nil when nothing does.
    package var watch: String?

    package init(
        bypass: Bool?, isMounted: Bool, isDegraded: Bool, isServing: Bool, mountLosses: UInt64, inodes: Int,
        watch: String?
    ) {
        self.bypass = bypass
        self.isMounted = isMounted
        self.isDegraded = isDegraded
        self.isServing = isServing
        self.mountLosses = mountLosses
        self.inodes = inodes
        self.watch = watch
    }
}

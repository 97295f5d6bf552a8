import AdminServer
import FuseProxy
import HTTPServer
import Platform
import Telemetry

extension Server {
    /// Starts the admin side, if there is one. On failure the server is stopped.
    func startAdmin(
        _ listener: AdminListener?, _ configuration: ServerConfiguration, _ figures: AdminFigures
    ) throws(StartFailure) {
        guard let listener else { return }
        // It ends before the server does.
        let subject = AdminSubject(
            version: Version.current, startNanoseconds: figures.startNanoseconds,
            options: Self.options(configuration, figures, listener), measurements: measurements,
            state: { [unowned self] in state(configuration.onMountLoss) },
            metricsText: { [unowned self] in metricsText },
            setBypass: { [unowned self] isOn in
                guard keeper != nil else { return false }
                http.bypassSwitch.set(isOn)
                return true
            })
        do throws(Errno) {
            admin = try AdminServer(
                subject, access: listener.access, sockets: listener.sockets,
                connectionsMax: figures.budget.adminConnectionsMax)
        } catch {
            _ = stop()
            throw StartFailure("cannot start the admin side: \(error)")
        }
    }

    private func state(_ policy: MountLossPolicy) -> ServerState {
        let isBypassed = http.bypassSwitch.isOn
        let isDegraded = keeper?.isDegraded ?? false
        return ServerState(
            bypass: keeper == nil ? nil : isBypassed, isMounted: keeper?.isMounted ?? false, isDegraded: isDegraded,
            isServing: !isDegraded || isBypassed || policy == .bypass, mountLosses: keeper?.losses ?? 0,
            inodes: keeper?.inodeCount ?? 0)
    }

    /// Every option of `serverfs serve` with what is in effect.
    private static func options(
        _ configuration: ServerConfiguration, _ figures: AdminFigures, _ listener: AdminListener
    ) -> [(name: String, value: JSONValue)] {
        var options: [(name: String, value: JSONValue)] = [
            ("docroot", .string(figures.docrootPath)),
            ("listen", .strings(figures.listening)),
            ("listen-bypass", .strings(figures.listeningBypass)),
            ("bypass", .bool(configuration.bypass)),
            ("workers", .integer(configuration.workers)),
            ("open-file-cache", number(figures.budget.openFileCacheCapacity)),
            ("send", .string(configuration.send.rawValue)),
            ("keep-alive-timeout", .integer(configuration.keepAliveSeconds)),
            ("stall-timeout", .integer(configuration.stallTimeoutSeconds)),
            ("on-mount-loss", .string(configuration.onMountLoss.rawValue)),
            ("telemetry", configuration.telemetry ? "on" : "off"),
            ("server-timing", .bool(configuration.serverTiming)),
            ("trace-file", configuration.traceFilePath.map(JSONValue.string) ?? .null),
            ("admin", .strings(listener.bound.map(\.description))),
            ("admin-token-file", configuration.adminTokenPath.map(JSONValue.string) ?? .null),
        ]
        guard let mount = figures.mount else { return options }
        let session = mount.session
        let proxy = session.configuration
        let cache = session.watchFailure == nil ? proxy.cache : .timeout(seconds: 1)
        options += [
            ("mount-point", .string(mount.mountPoint.path)),
            ("fuse-api", .string(proxy.api.rawValue)),
            ("fuse-threads", .integer(proxy.threads)),
            ("fuse-open", .string(proxy.open.rawValue)),
            ("fuse-read", .string(proxy.read.rawValue)),
            ("fuse-cache", .string(cache.name)),
            ("fuse-stall-timeout", number(mount.watch?.watchdog.stallSeconds ?? 0)),
        ]
        return options
    }

    /// A number, or `off` for 0.
    private static func number(_ value: Int) -> JSONValue { value == 0 ? "off" : .integer(value) }
}

/// What of a server's start its options are told from.
struct AdminFigures {
    let startNanoseconds: UInt64
    let budget: DescriptorBudget
    let docrootPath: String
    /// The first mount; nil without one.
    let mount: ProxyMount?
    let listening: [String]
    let listeningBypass: [String]
}

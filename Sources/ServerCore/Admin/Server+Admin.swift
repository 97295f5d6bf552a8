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
        let report = OptionReport(
            configuration: configuration, budget: figures.budget, docrootPath: docroot.path,
            listening: figures.listening, listeningBypass: figures.listeningBypass, admin: listener.bound,
            mountPointPath: figures.mount?.mountPoint.path)
        // It ends before the server does.
        let subject = AdminSubject(
            version: Version.current, startNanoseconds: figures.startNanoseconds,
            options: { [unowned self] in report.inEffect(keeper?.effect, isTiming: measurements.isTiming) },
            requestedOptions: report.requested(stallSeconds: figures.mount?.watch?.watchdog.stallSeconds),
            measurements: measurements,
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
            inodes: keeper?.inodeCount ?? 0, watch: keeper?.effect.watchName)
    }
}

/// What of a server's start its options are told from.
struct AdminFigures {
    let startNanoseconds: UInt64
    let budget: DescriptorBudget
    /// The first mount; nil without one.
    let mount: ProxyMount?
    let listening: [String]
    let listeningBypass: [String]
}

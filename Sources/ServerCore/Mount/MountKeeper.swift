import FuseProxy
import Glibc
import HTTPServer
import Platform
import Telemetry

/// Keeps a server mounted: when its mount is lost, the server does without it, and a new mount takes its place.
///
/// A mount is lost when its connection ends (aborted, or `umount -f`) and when it is taken out of the tree (`umount -l`). The
/// old session is ended first, all of it: a FUSE thread that is stuck in a docroot which does not answer would only be
/// joined by others, so until it comes back the server goes on without a mount.
///
/// One thread calls `init`, `start` and `stop`; the rest may be called by any. The thread `mount-keeper` does the work.
final class MountKeeper: Sendable {
    private let docroot: Docroot
    private let configuration: ProxyConfiguration
    private let watchdog: Watchdog?
    private let mountPoint: MountPoint
    private let policy: MountLossPolicy
    private let measurements: Measurements
    private let report: @Sendable (String) -> Void
    private let state: Guarded<State>
    private let stopping: WakeUp
    /// Readable when the process is to end because the mount was lost.
    let ended: WakeUp
    private let thread = Guarded<NamedThread?>(nil)
    /// Readable once the keeper's thread is at its end.
    private let finished: WakeUp

    private struct State {
        /// The mount, whether it still works or not; nil while there is none.
        var mount: ProxyMount?
        /// Of the mount, or of the last one while there is none.
        var effect: MountEffect
        var isDegraded = false
        var losses: UInt64 = 0
    }

    private enum Limits {
        /// Milliseconds before the second attempt to mount again; each further one waits twice as long.
        static let firstDelayMilliseconds: Int32 = 100
        static let delayMillisecondsMax: Int32 = 5000
        /// Milliseconds for the keeper to end: what it is just doing may be stuck in the docroot.
        static let endMilliseconds: Int32 = 1000
        /// Nanoseconds for what is read from a mount to be read before its connection is ended; and how often to look, a millisecond
        /// apart, however late this thread is.
        static let finishNanoseconds: UInt64 = 200_000_000
        static let finishLooksMin = 50
        /// Nanoseconds that a mount must have lasted for the next to be made at once.
        static let steadyNanoseconds: UInt64 = 10_000_000_000
    }

    /// - Parameter report: says something to the operator; on the keeper's thread.
    init(
        _ mount: ProxyMount, docroot: Docroot, configuration: ProxyConfiguration, watchdog: Watchdog?,
        policy: MountLossPolicy, measurements: Measurements,
        report: @escaping @Sendable (String) -> Void
    ) throws(Errno) {
        self.docroot = docroot
        self.configuration = configuration
        self.watchdog = watchdog
        mountPoint = mount.mountPoint
        self.policy = policy
        self.report = report
        self.measurements = measurements
        state = Guarded(State(mount: mount, effect: MountEffect(mount)))
        stopping = try WakeUp()
        ended = try WakeUp()
        finished = try WakeUp()
    }

    /// The mount; nil while there is none.
    var mount: ProxyMount? { state.withLock { $0.mount } }

    /// Inodes that the kernel knows. Asked for under the lock, so that nobody but the keeper ever lets go of a mount last.
    var inodeCount: Int { state.withLock { $0.mount?.session.inodeCount ?? 0 } }

    /// What is in effect of the choices made for the mount; while there is none, what was.
    var effect: MountEffect {
        state.withLock { state in
            if let mount = state.mount { state.effect = MountEffect(mount) }
            return state.effect
        }
    }

    /// Whether there is a mount, and it is not given up.
    var isMounted: Bool { state.withLock { $0.mount != nil && !$0.isDegraded } }

    /// Whether the mount is gone and not there again yet.
    var isDegraded: Bool { state.withLock { $0.isDegraded } }

    /// How often the mount was lost.
    var losses: UInt64 { state.withLock { $0.losses } }

    /// Watches over the mount from now on, for `http`.
    func start(_ http: HTTPServer) throws(Errno) {
        let started = try NamedThread("mount-keeper") { [self] in
            run(http)
            finished.signal()
        }
        thread.withLock { $0 = started }
    }

    /// Stops watching over it; the mount stays, if there is one. Waits for a mount that is just being made.
    ///
    /// - Returns: false when it is stuck in the docroot: it may still be using its mount then.
    func stopKeeping() -> Bool {
        guard let thread = thread.withLock({ $0.take() }) else { return true }
        stopping.signal()
        var wait = pollfd(fd: finished.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Limits.endMilliseconds) == 1 else { return false }
        thread.join()
        if mount == nil { mountPoint.remove() }
        return true
    }

    // MARK: - On the keeper's thread

    private func run(_ http: HTTPServer) {
        var delay: Int32 = 0
        while let lost = waitForLoss(http) {
            let began = Clock.monotonicNanoseconds
            state.withLock {
                $0.isDegraded = true
                $0.losses += 1
            }
            http.offerMount(nil)
            report("the mount is gone (\(reason(lost.mount))): \(consequence)")
            if policy == .exit { return ended.signal() }
            // One that is only taken out of the tree still answers.
            if lost.mount.session.presentMountPoint == nil { letFinish(http) }
            guard end(lost.mount) else { return }
            state.withLock { $0.mount = nil }
            delay = began - lost.sinceNanoseconds > Limits.steadyNanoseconds ? 0 : delay
            guard let (mount, root) = mountAgain(delay: &delay) else { return }
            http.offerMount(root)
            let seconds = Double((Clock.monotonicNanoseconds - began) / 1_000_000) / 1000
            state.withLock { $0.isDegraded = false }
            report("mounted again at \(mount.mountPoint.path), after \(seconds) s")
        }
    }

    /// Waits until the mount is lost.
    ///
    /// - Returns: nil when the keeper is to stop.
    private func waitForLoss(_ http: HTTPServer) -> (mount: ProxyMount, sinceNanoseconds: UInt64)? {
        guard let mount else { return nil }
        let since = Clock.monotonicNanoseconds
        let table = try? MountTable.openForChanges()
        if mount.session.isTakenAway { return (mount, since) }
        defer { withExtendedLifetime(table) {} }
        var waits = [
            pollfd(fd: stopping.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mount.session.endedDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: http.mountLoss.rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: table?.rawValue ?? -1, events: Int16(POLLPRI), revents: 0),
        ]
        while true {
            guard poll(&waits, 4, -1) > 0 else { continue }
            if waits[0].revents != 0 { return nil }
            if waits[1].revents != 0 { return (mount, since) }
            if waits[2].revents != 0, http.mountLoss.takeReport() { return (mount, since) }
            if mount.session.isTakenAway { return (mount, since) }
        }
    }

    /// Waits until nothing is read from the mount any more, for a bounded time.
    private func letFinish(_ http: HTTPServer) {
        let deadline = Clock.monotonicNanoseconds + Limits.finishNanoseconds
        var looks = 0
        while http.usesMount, looks < Limits.finishLooksMin || Clock.monotonicNanoseconds < deadline {
            if isStopping(withinMilliseconds: 1) { return }
            looks += 1
        }
    }

    private func reason(_ mount: ProxyMount) -> String {
        if mount.watch?.hasStalled == true { return "it stood still while requests waited, and was aborted" }
        return mount.session.presentMountPoint == nil ? "unmounted" : "its connection was aborted"
    }

    private var consequence: String {
        switch policy {
        case .bypass: "reading the docroot directly"
        case .unavailable: "answering 503"
        case .exit: "ending"
        }
    }

    /// Ends the old session.
    ///
    /// - Returns: false when the keeper is to stop.
    private func end(_ mount: ProxyMount) -> Bool {
        mount.unmountAtOnce(keepsFolder: true)
        // A folder of our own is made again; without the mount the watchdog would know nothing of it.
        let keepsFolder = !mountPoint.isPrivate
        if mount.stop(keepsFolder: keepsFolder) { return true }
        report("a FUSE thread is stuck in the docroot: there is no mount until it comes back")
        while !mount.stop(keepsFolder: keepsFolder) {
            if isStopping(withinMilliseconds: 100) { return false }
        }
        return true
    }

    /// Mounts again, as often as it takes.
    ///
    /// - Parameter delay: milliseconds before the first attempt, and afterwards before the next one's.
    /// - Returns: nil when the keeper is to stop.
    private func mountAgain(delay: inout Int32) -> (mount: ProxyMount, root: MountRoot)? {
        var hasReported = false
        while true {
            if isStopping(withinMilliseconds: delay) { return nil }
            delay = min(max(delay * 2, Limits.firstDelayMilliseconds), Limits.delayMillisecondsMax)
            var stuck: ProxyMount?
            do throws(StartFailure) {
                let mount = try ProxyMount(
                    docroot: docroot, mountPoint: try mountPoint.renewed(docroot: docroot),
                    configuration: configuration,
                    watchdog: watchdog, measurements: measurements, leftBehind: { stuck = $0 })
                do throws(Errno) {
                    let root = MountRoot(descriptor: try mount.openRoot(), device: mount.session.device)
                    state.withLock {
                        $0.mount = mount
                        $0.effect = MountEffect(mount)
                    }
                    return (mount, root)
                } catch {
                    if !mount.stop(keepsFolder: true) { stuck = mount }
                    throw StartFailure("its root cannot be opened: \(error)")
                }
            } catch {
                if !hasReported { report("cannot mount again: \(error); trying on") }
                hasReported = true
                if let stuck, !end(stuck) { return nil }
            }
        }
    }

    private func isStopping(withinMilliseconds time: Int32) -> Bool {
        var wait = pollfd(fd: stopping.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, time) == 1
    }
}

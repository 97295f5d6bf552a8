import Glibc
package import FuseProxy
package import Platform
package import Telemetry

/// A mounted, running proxy on its mount point: what `serverfs mount` is, and half of `serverfs serve`.
///
/// One thread starts and stops it; `unmountAtOnce` may be called from another when the first is stuck.
package final class ProxyMount: Sendable {
    package let session: ProxySession
    package let mountPoint: MountPoint
    /// nil when nobody watches it.
    package let watch: MountWatch?
    /// nil where fusectl cannot be had: an ordinary user's machine may be without.
    private let control: FuseControl?

    /// Seconds for kernel and daemon to agree, which takes microseconds when nothing is wrong.
    private static let startSeconds = 5

    /// Mounts, starts the FUSE threads, and waits until the mount answers. On failure nothing is left behind, unless a thread
    /// is stuck in the docroot.
    ///
    /// - Parameter leftBehind: is given what could not be ended, to be stopped again.
    package init(
        docroot: Docroot, mountPoint: MountPoint, configuration: ProxyConfiguration, watchdog: Watchdog? = nil,
        measurements: Measurements, leftBehind: (ProxyMount) -> Void = { _ in }
    ) throws(StartFailure) {
        self.mountPoint = mountPoint
        watch = watchdog?.willMount(at: mountPoint)
        do throws(StartFailure) {
            try mountPoint.make()
        } catch {
            watch?.isGone()
            throw error
        }
        do throws(MountFailure) {
            session = try ProxySession(
                docroot: docroot, mountPoint: mountPoint.path, configuration: configuration, measurements: measurements)
        } catch {
            mountPoint.remove()
            watch?.isGone()
            throw StartFailure("\(error); --bypass serves without a mount")
        }
        control = try? FuseControl(device: session.device)
        do throws(Errno) {
            watch?.isMounted(session)
            try session.start(progress: watch?.progress)
            guard session.waitUntilInitialized(seconds: Self.startSeconds) else { throw .timedOut }
            try session.teach()
            try session.startWatching()
            // The first call that enters the mount: it must show the docroot's root.
            let status = try Files.status(AT_FDCWD, mountPoint.path)
            guard UInt64(status.st_dev) == session.device, UInt64(status.st_ino) == docroot.identity.inode else {
                throw .ioError
            }
        } catch {
            if !stop() { leftBehind(self) }
            throw StartFailure("the mount at \(mountPoint.path) does not answer (\(error)); --bypass serves without it")
        }
        if let reason = session.unavailableChoice {
            if !stop() { leftBehind(self) }
            throw StartFailure(reason)
        }
    }

    /// A descriptor of the mount's root, to resolve from. It must be closed before `stop`.
    ///
    /// - Throws: ENODEV where the mount has been taken away meanwhile.
    package func openRoot() throws(Errno) -> SharedDescriptor {
        let root = try Files.open(mountPoint.path, flags: Files.pathOnly | O_DIRECTORY)
        let device = UInt64(try Files.status(root.rawValue).st_dev)
        guard device == session.device else { throw .operationNotSupportedByDevice }
        return SharedDescriptor(root)
    }

    /// Unmounts and removes what was made. It may be called again to see whether what was stuck has ended.
    ///
    /// - Parameter keepsFolder: whether the mount point is to be used again.
    /// - Returns: whether everything ended; false when a thread is stuck in the docroot.
    package func stop(keepsFolder: Bool = false) -> Bool {
        let presentPath = session.presentMountPoint
        let hasEnded = session.stop()
        if !keepsFolder { mountPoint.remove(at: presentPath) }
        // Where a thread is stuck, whoever waits for it is let go by the watchdog, once this process has ended.
        if hasEnded { watch?.isGone() }
        return hasEnded
    }

    /// Takes the mount out of the tree and lets go of whoever waits for it, without waiting for anybody. Any thread.
    package func unmountAtOnce(keepsFolder: Bool = false) {
        let presentPath = session.presentMountPoint
        control?.abort()
        session.unmount(aborts: true)
        if !keepsFolder { mountPoint.remove(at: presentPath) }
    }
}

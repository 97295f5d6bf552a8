import Glibc
package import FuseProxy
package import Platform

/// A mounted, running proxy on its mount point: what `serverfs mount` is, and half of `serverfs serve`.
///
/// One thread starts and stops it; `unmountAtOnce` may be called from another when the first is stuck.
package final class ProxyMount: Sendable {
    package let session: ProxySession
    package let mountPoint: MountPoint

    /// Seconds for kernel and daemon to agree, which takes microseconds when nothing is wrong.
    private static let startSeconds = 5

    /// Mounts, starts the FUSE threads, and waits until the mount answers. On failure nothing is left behind.
    package init(
        docroot: Docroot, mountPoint: MountPoint, configuration: ProxyConfiguration
    ) throws(StartFailure) {
        self.mountPoint = mountPoint
        do throws(MountFailure) {
            session = try ProxySession(
                docroot: docroot, mountPoint: mountPoint.path, configuration: configuration)
        } catch {
            mountPoint.remove()
            throw StartFailure("\(error); --bypass serves without a mount")
        }
        do throws(Errno) {
            try session.start()
            guard session.waitUntilInitialized(seconds: Self.startSeconds) else { throw .timedOut }
            try session.teach()
            try session.startWatching()
            // The first call that enters the mount: it must show the docroot's root.
            let status = try Files.status(AT_FDCWD, mountPoint.path)
            guard UInt64(status.st_dev) == session.device, UInt64(status.st_ino) == docroot.identity.inode else {
                throw .ioError
            }
        } catch {
            _ = session.stop()
            mountPoint.remove()
            throw StartFailure("the mount at \(mountPoint.path) does not answer (\(error)); --bypass serves without it")
        }
        try Self.check(session, mountPoint)
    }

    private static func check(_ session: ProxySession, _ mountPoint: MountPoint) throws(StartFailure) {
        guard let reason = session.unavailableChoice else { return }
        _ = session.stop()
        mountPoint.remove()
        throw StartFailure(reason)
    }

    /// A descriptor of the mount's root, to resolve from. It must be closed before `stop`.
    package func openRoot() throws(Errno) -> SharedDescriptor {
        SharedDescriptor(try Files.open(mountPoint.path, flags: Files.pathOnly | O_DIRECTORY))
    }

    /// Unmounts and removes what was made.
    ///
    /// - Returns: whether everything ended; false when a FUSE thread is stuck in the docroot.
    package func stop() -> Bool {
        let presentPath = session.presentMountPoint
        let hasEnded = session.stop()
        mountPoint.remove(at: presentPath)
        return hasEnded
    }

    /// Takes the mount out of the tree without waiting for anybody. Any thread.
    package func unmountAtOnce() {
        let presentPath = session.presentMountPoint
        session.unmount(aborts: true)
        mountPoint.remove(at: presentPath)
    }
}

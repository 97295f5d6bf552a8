import CFuse3
import CKernel
import Glibc
package import Platform
import Synchronization
package import Telemetry

/// The proxy file system, mounted: libfuse's session, the FUSE threads, and what they answer from.
///
/// Life cycle, on one thread: `init` mounts, `start` starts the threads, `waitUntilInitialized`, and `stop` at the end. No
/// thread may enter the mount before it is initialized, or hold one of its files when `stop` is called.
package final class ProxySession: @unchecked Sendable {
    /// What the FUSE threads write into.
    package let measurements: Measurements
    package let mountPoint: String
    /// How it works.
    package let configuration: ProxyConfiguration
    /// The mount's device number: `st_dev` of everything in it.
    package let device: UInt64
    package let mountID: UInt64
    /// Whether users other than the one who mounted it may enter.
    package let allowsOtherUsers: Bool

    /// Why changes cannot be watched, though they were to be: everything gets a timeout then.
    package let watchFailure: MountFailure?

    let operations: ProxyOperations
    private let docroot: Docroot
    /// The life cycle's thread only.
    private var watcher: Watcher?
    let transport: DeviceTransport
    /// The high-level API's view of the operations; nil with the low-level API.
    let highLevelPaths: HighLevelPaths?
    private let library: LibraryHandle
    private var session: OpaquePointer { library.session }
    /// What the kernel has offered in INIT; nil before.
    private let offered = Guarded<KernelCapabilities?>(nil)
    /// The callbacks' user data.
    private let context = CallbackContext()
    private let initialized: WakeUp
    /// The life cycle's thread only.
    private var threads: ProxyThreads?
    /// The life cycle's thread only.
    private var isStopping = false
    private var hasEnded = false

    /// The number of inodes the kernel knows, the root among them. Any thread.
    package var inodeCount: Int { operations.inodeCount }

    /// Mounts `docroot` at `mountPoint`, an absolute path of an empty folder.
    ///
    /// - Parameter measurements: what the FUSE threads write into, those of the session before this one as well.
    /// - Throws: a sentence that names the cause: no /dev/fuse, no right to mount, no such folder.
    package init(
        docroot: Docroot, mountPoint: String, configuration: ProxyConfiguration,
        measurements: Measurements
    ) throws(MountFailure) {
        try Self.checkDevice()
        self.measurements = measurements
        self.mountPoint = mountPoint
        self.configuration = configuration
        self.docroot = docroot
        var watch: DocrootWatch?
        var watchFailure: MountFailure?
        if configuration.cache == .watched {
            do throws(MountFailure) {
                watch = try DocrootWatch(docroot: docroot)
            } catch {
                watchFailure = error
            }
        }
        self.watchFailure = watchFailure
        do throws(Errno) {
            operations = try ProxyOperations(docroot: docroot, configuration: configuration, watch: watch)
            initialized = try WakeUp()
        } catch {
            throw MountFailure("no descriptors left for the mount: \(error)")
        }
        highLevelPaths =
            configuration.api == .highLevel ? HighLevelPaths(operations, configuration: configuration) : nil

        let options = MountOptions(docrootPath: docroot.path)
        allowsOtherUsers = options.allowsOtherUsers
        LibraryLog.start()
        library = try LibraryHandle(
            configuration, options: options.text, context: Unmanaged.passUnretained(context).toOpaque())
        let mounted: MountEntry
        (mounted, transport) = try Self.mount(library, at: mountPoint)
        device = mounted.device
        mountID = mounted.mountID
        context.session = self
        OwnMounts.add(device)
    }

    /// Mounts the session; what fails leaves neither mount nor session behind.
    private static func mount(
        _ library: LibraryHandle, at mountPoint: String
    ) throws(MountFailure) -> (MountEntry, DeviceTransport) {
        let (result, helperMessage) = LibraryLog.catchingStandardError {
            fuse_session_mount(library.session, mountPoint)
        }
        guard result == 0 else {
            let detail = helperMessage.isEmpty ? LibraryLog.lastMessage : helperMessage
            library.destroy()
            throw MountFailure(explain(detail, mountPoint: mountPoint))
        }
        do throws(MountFailure) {
            guard let entry = try? MountTable.entry(at: mountPoint) else {
                throw MountFailure("\(mountPoint) was mounted, but cannot be found in /proc/self/mountinfo")
            }
            return (entry, try DeviceTransport(session: library.session))
        } catch {
            // It has just been mounted there, by us.
            let flags = CInt(KERNEL_UMOUNT_NOFOLLOW) | CInt(KERNEL_MNT_DETACH)
            if kernel_umount2(mountPoint, flags) == -Int(EPERM) { UnprivilegedMount.unmount(mountPoint) }
            library.destroy()
            throw error
        }
    }

    /// Starts the FUSE threads, `fuse-0` and so on.
    ///
    /// - Parameter progress: where the threads count what they have answered, for whoever watches them.
    /// - Throws: EAGAIN when the process may have no more threads; those already started go on until `stop`.
    package func start(progress: FuseProgress? = nil) throws(Errno) {
        let threads = try ProxyThreads(self, progress: progress)
        self.threads = threads
        try threads.start(count: configuration.threads)
    }

    /// Starts to tell the kernel of changes, unless it keeps nothing anyway. Once the session is initialized.
    package func startWatching() throws(Errno) {
        guard configuration.cache != .none else { return }
        let hasEpochs = offered.withLock { $0?.epochs == true }
        if hasEpochs { operations.rules.allowNegativeEntries() }
        let watcher = try Watcher(
            operations, docroot: docroot,
            invalidator: Invalidator(
                session: session, channel: transport.sessionDescriptor, measurements: measurements),
            hasEpochs: hasEpochs)
        try watcher.start()
        self.watcher = watcher
    }

    /// Lets the kernel learn what serverfs does not answer. Once the session is initialized, and before any file of the mount
    /// is opened that might be open still when this process is killed.
    package func teach() throws(Errno) {
        try operations.teach { (lesson) throws(Errno) in try lesson.teach(mountPoint: mountPoint) }
    }

    /// Readable once the connection has ended: the mount was taken away, or `stop` was called. Once it is started.
    package var endedDescriptor: CInt { threads!.ended.rawValue }

    /// What tells of changes: `fanotify` or `inotify`; nil when nothing does.
    package var watchName: String? { operations.rules.watch?.name }

    /// Waits until the kernel and the daemon have agreed (INIT): before that every call on the mount waits.
    ///
    /// - Returns: whether it happened within `seconds`; false at once when the mount has been taken away meanwhile.
    package func waitUntilInitialized(seconds: Int) -> Bool {
        var waits = [
            pollfd(fd: initialized.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: endedDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        return poll(&waits, 2, CInt(seconds * 1000)) > 0 && waits[0].revents != 0
    }

    /// The session behind the user data that libfuse hands to a callback.
    static func of(_ userData: UnsafeMutableRawPointer?) -> ProxySession {
        Unmanaged<CallbackContext>.fromOpaque(userData!).takeUnretainedValue().session!
    }

    /// What is added to libfuse's answer to INIT. On the FUSE thread that answers it.
    func agree(on capabilities: KernelCapabilities) -> InitAmendment {
        offered.withLock { $0 = capabilities }
        return InitAmendment(
            parallelDirectoryOperations: capabilities.parallelDirectoryOperations,
            passthrough: capabilities.passthrough && configuration.open == .passthrough)
    }

    /// Why the choices made cannot be kept on this kernel or with these rights; nil when they can. To be asked once the
    /// session is initialized.
    package var unavailableChoice: String? {
        guard configuration.open == .passthrough else { return nil }
        guard offered.withLock({ $0?.passthrough == true }) else {
            return
                "--fuse-open passthrough: this kernel does not offer it (Linux 6.9 with CONFIG_FUSE_PASSTHROUGH does)"
        }
        do throws(Errno) {
            try BackingFiles.checkRights(channel: transport.sessionDescriptor)
            return nil
        } catch .notPermitted {
            return "--fuse-open passthrough: it needs CAP_SYS_ADMIN"
        } catch {
            return "--fuse-open passthrough: \(error)"
        }
    }

    /// On a FUSE thread, from the `init` callback.
    func didInitialize() { initialized.signal() }

    /// Unmounts, ends the FUSE threads and closes the session. Other processes that still have files of the mount open get
    /// ENOTCONN from then on.
    ///
    /// - Returns: whether every thread ended; false when one is stuck in the docroot, and then nothing is freed, and `stop` may
    ///   be called again.
    package func stop() -> Bool {
        guard !hasEnded else { return true }
        let seconds: UInt64 = isStopping ? 0 : 2
        if !isStopping { unmount() }
        isStopping = true
        // Before the FUSE threads: a notification may be waiting for a lookup that one of them answers.
        guard watcher?.stop(withinSeconds: seconds) ?? true else { return false }
        fuse_session_exit(session)
        guard threads?.join(withinSeconds: seconds) ?? true else { return false }
        hasEnded = true
        library.destroy()
        // The last channel: this ends the connection for whoever still uses it.
        transport.close()
        OwnMounts.remove(device)
        operations.releaseAll()
        return true
    }

    /// Takes the mount out of the tree, also while others have files of it open.
    ///
    /// - Parameter aborts: whether calls on the mount that are under way fail at once instead of being answered.
    package func unmount(aborts: Bool = false) {
        guard let mountPoint = presentMountPoint else { return }
        var flags = CInt(KERNEL_UMOUNT_NOFOLLOW)
        if !aborts, kernel_umount2(mountPoint, flags) == 0 { return }
        flags |= CInt(KERNEL_MNT_DETACH) | (aborts ? CInt(KERNEL_MNT_FORCE) : 0)
        if kernel_umount2(mountPoint, flags) == -Int(EPERM) {
            UnprivilegedMount.unmount(mountPoint)
        }
    }

    /// Whether the mount is not in the tree any more; false also when the mount table cannot be read.
    package var isTakenAway: Bool {
        guard let table = try? MountTable.read() else { return false }
        return !table.contains { $0.mountID == mountID && $0.device == device }
    }

    /// Where the mount is now, should a folder above it have been renamed; nil when it is not mounted any more. Whatever else
    /// is mounted in its place is not ours: device numbers are used again at once.
    package var presentMountPoint: String? {
        do throws(Errno) {
            return try MountTable.read().last {
                $0.mountID == mountID && $0.device == device && $0.fileSystemType == "fuse.serverfs"
            }?.mountPoint
        } catch {
            // No descriptor is left to read the table with: it should be where it was made.
            let mount = try? Files.cachedMount(mountPoint)
            return mount?.mountID == mountID && mount?.device == device ? mountPoint : nil
        }
    }

    private static func checkDevice() throws(MountFailure) {
        if access("/dev/fuse", R_OK | W_OK) == 0 { return }
        let error = Errno(rawValue: errno)
        if error == .noSuchFileOrDirectory {
            throw MountFailure(
                "there is no /dev/fuse: the kernel's FUSE module is not loaded or not given to this machine")
        }
        throw MountFailure("/dev/fuse cannot be opened: \(error)")
    }

    private static func explain(_ detail: String, mountPoint: String) -> String {
        let reason = detail.isEmpty ? "mount(2) failed" : detail
        if geteuid() != 0, access("/usr/bin/fusermount3", X_OK) != 0 {
            return
                "no right to mount at \(mountPoint): not root, and fusermount3 (Debian package fuse3) is not installed"
        }
        return "no right to mount at \(mountPoint): \(reason)"
    }
}

/// What libfuse's callbacks find the session by. It is made before the session, which is filled in once it is whole, before
/// any thread runs.
private final class CallbackContext: @unchecked Sendable {
    unowned(unsafe) var session: ProxySession?
}

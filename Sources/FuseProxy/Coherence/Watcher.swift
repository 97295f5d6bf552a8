import Glibc
import Platform
import Synchronization
import Telemetry

/// The thread that tells the kernel of changes in the docroot: those that a watch sees, those that a FUSE thread comes across,
/// and file systems that are mounted or unmounted in it. Its name is `watcher`.
///
/// Life cycle on the session's thread: `start`, `stop`; `stop` while the FUSE threads still answer, because a notification
/// may be waiting for one of them.
final class Watcher: @unchecked Sendable {
    /// nil where the cache policy is not `watched`.
    private let watch: DocrootWatch?
    private let changed: ChangedInodes
    private let docroot: Docroot
    private let inodes: InodeTable
    private let resolver: Resolver
    private let invalidator: Invalidator
    private let tellingThread: TellingThread
    /// Whether the kernel can be told to look up every name again, those among them that it knows not to exist.
    private let hasEpochs: Bool
    /// Whether the docroot's file system keeps inode numbers in its handles where `FileHandle.inodeNumber` looks for them:
    /// tmpfs, for one, has something else there.
    private let readsHandles: Bool
    private let wakeUp: WakeUp
    private let isStopping = Atomic(false)
    /// Set once, at the thread's end.
    private let hasEnded = Atomic(false)
    private var thread: NamedThread?
    /// Inodes of which the kernel is told a little later, because it is learning from READs where they end. The watcher's thread
    /// only.
    private var held: Set<InodeNumber> = []

    private static let bufferBytes = 256 * 1024

    init(
        _ operations: ProxyOperations, docroot: Docroot, invalidator: Invalidator, hasEpochs: Bool
    ) throws(Errno) {
        watch = operations.rules.watch
        changed = operations.changed
        inodes = operations.inodes
        resolver = operations.resolver
        tellingThread = operations.tellingThread
        self.docroot = docroot
        self.invalidator = invalidator
        self.hasEpochs = hasEpochs
        readsHandles =
            (try? FileHandle(of: docroot.rawDescriptor))?.inodeNumber == docroot.identity.inode
        wakeUp = try WakeUp()
    }

    func start() throws(Errno) {
        thread = try NamedThread("watcher") { [self] in
            tellingThread.begin()
            run()
            tellingThread.end()
            hasEnded.store(true, ordering: .releasing)
        }
    }

    /// - Returns: whether the thread has ended; false when it is stuck in the docroot, and then `stop` may be called again.
    func stop(withinSeconds seconds: UInt64) -> Bool {
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
        let deadline = Clock.monotonicNanoseconds + seconds * 1_000_000_000
        while thread != nil, !hasEnded.load(ordering: .acquiring) {
            if Clock.monotonicNanoseconds >= deadline { return false }
            usleep(200)
        }
        thread?.join()
        thread = nil
        return true
    }

    private func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        let mountTable = watch == nil ? nil : try? MountTable.openForChanges()
        defer { withExtendedLifetime(mountTable) {} }
        var mounts = mountsInDocroot()
        var waits = [
            pollfd(fd: wakeUp.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: changed.rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watch?.rawDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mountTable?.rawValue ?? -1, events: Int16(POLLPRI), revents: 0),
        ]
        while !isStopping.load(ordering: .acquiring) {
            let count = poll(&waits, 4, held.isEmpty ? -1 : 1)
            for inode in held { dropInode(inode) }
            guard count > 0 else { continue }
            if waits[1].revents != 0 { dropChanged() }
            if waits[2].revents != 0 { readWatch(into: buffer) }
            if waits[3].revents != 0 {
                let present = mountsInDocroot()
                // Their ids and devices are used again at once: that both look the same does not mean that they are.
                if !present.isEmpty || !mounts.isEmpty { dropEverything() }
                mounts = present
            }
        }
    }

    private func dropChanged() {
        guard let changed = changed.take() else { return dropEverything() }
        for inode in changed { dropInode(inode) }
    }

    private func readWatch(into buffer: UnsafeMutableRawBufferPointer) {
        guard let watch else { return }
        let count = read(watch.rawDescriptor, buffer.baseAddress!, buffer.count)
        guard count > 0 else { return }
        let changes = watch.changes(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if changes.contains(.everything) {
            dropEverything()
        } else {
            for change in changes { apply(change) }
        }
    }

    /// What is mounted below the docroot, of which no watch tells.
    private func mountsInDocroot() -> [MountEntry] {
        let prefix = docroot.path == "/" ? "/" : docroot.path + "/"
        return ((try? MountTable.read()) ?? []).filter { $0.mountPoint.utf8.starts(with: prefix.utf8) }
    }

    private func apply(_ change: Change) {
        switch change {
        case .name(let parent, let name):
            // First the name: this waits for lookups under way in the folder, so that what comes after finds their results.
            invalidator.dropEntry(parent, name)
            if let inode = inode(parent, name) { dropInode(inode) }
            dropInode(parent)
        case .directory(let inode):
            dropInode(inode)
        case .file(let handle):
            // A watch on a whole file system tells of much that is nobody's business here: that must cost little.
            if readsHandles, let number = handle.inodeNumber,
                !inodes.hasAny(FileIdentity(device: docroot.identity.device, inode: number))
            {
                return
            }
            guard let file = try? handle.open(mount: docroot.rawDescriptor),
                let status = try? InodeStatus(file.rawValue), let inode = inodes.find(status.identity)
            else { return }
            dropInode(inode)
        case .everything:
            dropEverything()
        }
    }

    /// The inode that a name means now, if the kernel knows it: under another name it may still think it unchanged.
    private func inode(_ parent: InodeNumber, _ name: ComponentName) -> InodeNumber? {
        guard let folder = try? resolver.directory(parent) else { return nil }
        let status = try? folder.withRawValue { (folder) throws(Errno) in
            // Named: a temporary would be closed as soon as its number is known.
            let child = try resolver.openChild(name, in: folder, flags: Files.pathOnly)
            return try InodeStatus(child.rawValue)
        }
        guard let status else { return nil }
        return inodes.find(status.identity)
    }

    private func dropInode(_ inode: InodeNumber) {
        guard inodes.mayTell(inode) else {
            held.insert(inode)
            return
        }
        held.remove(inode)
        invalidator.dropInode(inode)
        inodes.noteTold(inode)
    }

    private func dropEverything() {
        if hasEpochs { invalidator.dropAllEntries() }
        for (inode, location) in inodes.all() {
            if let location { invalidator.dropEntry(location.parent, location.name) }
            dropInode(inode)
        }
    }
}

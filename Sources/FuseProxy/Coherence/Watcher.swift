import Glibc
import Platform
import Synchronization
import Telemetry

/// The thread that waits for changes in the docroot and tells the kernel of them: `watcher`.
///
/// Life cycle on the session's thread: `start`, `stop`; `stop` while the FUSE threads still answer, because a notification
/// may be waiting for one of them.
final class Watcher: @unchecked Sendable {
    private let watch: DocrootWatch
    private let docroot: Docroot
    private let inodes: InodeTable
    private let resolver: Resolver
    private let invalidator: Invalidator
    /// Whether the kernel can be told to look up every name again, those among them that it knows not to exist.
    private let hasEpochs: Bool
    private let wakeUp: WakeUp
    private let isStopping = Atomic(false)
    private var thread: NamedThread?

    private static let bufferBytes = 256 * 1024

    init(
        _ watch: DocrootWatch, docroot: Docroot, inodes: InodeTable, resolver: Resolver, invalidator: Invalidator,
        hasEpochs: Bool
    ) throws(Errno) {
        self.watch = watch
        self.docroot = docroot
        self.inodes = inodes
        self.resolver = resolver
        self.invalidator = invalidator
        self.hasEpochs = hasEpochs
        wakeUp = try WakeUp()
    }

    func start() throws(Errno) {
        thread = try NamedThread("watcher") { [self] in run() }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
        thread?.join()
        thread = nil
    }

    private func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        var waits = [
            pollfd(fd: watch.rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeUp.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        while !isStopping.load(ordering: .acquiring) {
            guard poll(&waits, 2, -1) > 0 else { continue }
            let count = read(watch.rawDescriptor, buffer.baseAddress!, buffer.count)
            guard count > 0 else { continue }
            let changes = watch.changes(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            if changes.contains(.everything) {
                dropEverything()
            } else {
                for change in changes { apply(change) }
            }
        }
    }

    private func apply(_ change: Change) {
        switch change {
        case .name(let parent, let name):
            // First the name: this waits for lookups under way in the folder, so that what comes after finds their results.
            invalidator.dropEntry(parent, name)
            if let inode = inode(parent, name) { invalidator.dropInode(inode) }
            invalidator.dropInode(parent)
        case .directory(let inode):
            invalidator.dropInode(inode)
        case .file(let handle):
            guard let file = try? handle.open(mount: docroot.rawDescriptor),
                let status = try? InodeStatus(file.rawValue), let inode = inodes.find(status.identity)
            else { return }
            invalidator.dropInode(inode)
        case .everything:
            dropEverything()
        }
    }

    /// The inode that a name means now, if the kernel knows it: under another name it may still think it unchanged.
    private func inode(_ parent: InodeNumber, _ name: ComponentName) -> InodeNumber? {
        guard let folder = try? resolver.directory(parent),
            let child = try? resolver.openChild(name, in: folder.rawValue, flags: Files.pathOnly),
            let status = try? InodeStatus(child.rawValue)
        else { return nil }
        return inodes.find(status.identity)
    }

    private func dropEverything() {
        if hasEpochs { invalidator.dropAllEntries() }
        for (inode, location) in inodes.all() {
            if let location { invalidator.dropEntry(location.parent, location.name) }
            invalidator.dropInode(inode)
        }
    }
}

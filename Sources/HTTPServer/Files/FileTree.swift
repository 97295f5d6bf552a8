import Glibc
import HTTPMessage
import Platform
import Telemetry

/// A folder to serve from, as one event loop sees it: the root's descriptor, and the files kept open. Event thread only.
final class FileTree {
    /// Whether the root is the mount's or the docroot's.
    let servingPath: ServingPath
    /// How its files are sent.
    let sender: Sender
    private let root: SharedDescriptor
    /// The device whose files are closed at once; others' by the closer.
    private let quicklyClosedDevice: UInt64?
    private let closer: DescriptorCloser?
    /// What lies on this device is not this tree's: the docroot's tree keeps out of the mount.
    var excludedDevice: UInt64?
    private let cache: OpenFileCache?

    /// - Parameters:
    ///   - openFileCacheCapacity: how many files are kept open between requests; 0 for none.
    ///   - closer: closes files where that may wait; nil where it never does.
    init(
        root: SharedDescriptor, servingPath: ServingPath, excludedDevice: UInt64?, sender: Sender,
        openFileCacheCapacity: Int, closer: DescriptorCloser?
    ) {
        self.closer = closer
        quicklyClosedDevice = closer == nil ? nil : Self.quicklyClosedDevice(root)
        self.root = root
        self.servingPath = servingPath
        self.sender = sender
        self.excludedDevice = excludedDevice
        cache = openFileCacheCapacity > 0 ? OpenFileCache(capacity: openFileCacheCapacity) : nil
    }

    /// The file at `path`, NUL-terminated and relative to the root; never one outside, whatever symbolic links say.
    ///
    /// A file that is kept open is looked at anew, by name, once in each turn of the event loop: a request that arrives
    /// after a change is answered with it, and the requests of one turn share the cost.
    ///
    /// The thread may be overtaken meanwhile: it gets its answer all the same, and nothing of the tree is changed.
    ///
    /// - Parameters:
    ///   - folderLength: the length of the folder's own path, where `path` is that of its index file.
    ///   - hash: of the path (`OpenFileCache.hash`).
    ///   - turn: the number of the loop's turn.
    ///   - tick: the loop's second.
    func find(
        _ path: UnsafeRawBufferPointer, folderLength: Int?, hash: UInt64, turn: UInt64, tick: Int, on thread: LoopThread
    ) -> FoundFile {
        assert(!thread.isOvertaken)
        let name = path.baseAddress!.assumingMemoryBound(to: CChar.self)
        let excludedDevice = excludedDevice
        let keptFile = cache?.find(path, hash: hash, tick: tick)
        thread.meter.endPhase(.resolve)
        if let file = keptFile {
            if file.checkedTurn == turn { return .file(file, isKept: true) }
            let status = thread.mayWait { try? Files.status(root.rawValue, name) }
            thread.meter.endPhase(.statx)
            if let status, FileIdentity(status) == file.identity, ContentVersion(status) == file.version {
                if !thread.isOvertaken { file.checkedTurn = turn }
                return .file(file, isKept: true)
            }
            if !thread.isOvertaken { cache?.remove(file) }
        }
        defer { thread.meter.endPhase(.open) }
        do throws(Errno) {
            let file = try thread.mayWait { () throws(Errno) in try open(path, name, excluding: excludedDevice) }
            // One that has just changed is not kept: its permissions may have changed between the open and the look at it, or
            // through the mount have been checked by attributes that had just been dropped. Kept, it would be served as long
            // as it stays as it is now, though nobody may open it.
            if let cache, !thread.isOvertaken, !file.version.isRecent {
                file.checkedTurn = turn
                cache.insert(file, path: path, hash: hash, tick: tick)
            }
            return .file(file, isKept: false)
        } catch {
            // Was it the folder that is missing, or its index file?
            if let folderLength, error == .noSuchFileOrDirectory || error == .notDirectory,
                thread.mayWait({ isDirectory(name, length: folderLength) })
            {
                return .folder
            }
            return .failure(error)
        }
    }

    /// Closes the files that nobody has asked for for a while: they may have been deleted, and hold their space.
    func closeIdle(tick: Int) { cache?.removeIdle(before: tick - Limits.openFileIdleSeconds) }

    /// Closes the files kept open; those of responses under way when these are done.
    func removeAll() { cache?.removeAll() }

    private static let resolution: PathResolution = [.beneath, .noMagicLinks]

    private func open(
        _ path: UnsafeRawBufferPointer, _ name: UnsafePointer<CChar>, excluding excludedDevice: UInt64?
    ) throws(Errno) -> OpenFile {
        // O_NONBLOCK and O_NOCTTY: a FIFO or terminal in the docroot must neither block the loop nor become ours.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        let file = try openRetrying(name, flags: flags)
        let status = try Files.status(file.rawValue)
        if let excludedDevice, UInt64(status.st_dev) == excludedDevice { throw .tooManySymbolicLinkLevels }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let closesAtOnce = closer == nil || UInt64(status.st_dev) == quicklyClosedDevice
            return OpenFile(file, status: status, path: path, closer: closesAtOnce ? nil : closer)
        case S_IFDIR: throw .isDirectory
        default: throw .permissionDenied
        }
    }

    /// The root's device, if its file system keeps its files itself.
    private static func quicklyClosedDevice(_ root: SharedDescriptor) -> UInt64? {
        let mount = try? root.withRawValue { (root) throws(Errno) in try Files.cachedMount(root) }
        guard let mount, let entry = (try? MountTable.read())?.last(where: { $0.mountID == mount.mountID }),
            entry.isSelfContained
        else { return nil }
        return mount.device
    }

    /// Whether the first `length` bytes of `path` name a folder.
    private func isDirectory(_ path: UnsafePointer<CChar>, length: Int) -> Bool {
        if length == 0 { return true }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { name in
            memcpy(name.baseAddress!, path, length)
            name[length] = 0
            let flags = Files.pathOnly | O_DIRECTORY
            let folder = try? Files.openBeneath(
                root.rawValue, name.baseAddress!, flags: flags, resolution: Self.resolution)
            return folder != nil
        }
    }

    /// ESTALE means that a name on the way was replaced while the kernel looked at it, twice: to look again is all there is.
    private func openRetrying(_ name: UnsafePointer<CChar>, flags: CInt) throws(Errno) -> OwnedDescriptor {
        for _ in 0..<Limits.staleRetriesMax {
            do throws(Errno) {
                return try Files.openBeneath(root.rawValue, name, flags: flags, resolution: Self.resolution)
            } catch .staleNFSFileHandle {
                continue
            }
        }
        return try Files.openBeneath(root.rawValue, name, flags: flags, resolution: Self.resolution)
    }
}

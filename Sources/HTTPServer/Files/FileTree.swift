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
    /// What lies on this device is not this tree's: the docroot's tree keeps out of the mount.
    private let excludedDevice: UInt64?
    private let cache: OpenFileCache?

    /// - Parameter openFileCacheCapacity: how many files are kept open between requests; 0 for none.
    init(
        root: SharedDescriptor, servingPath: ServingPath, excludedDevice: UInt64?, sender: Sender,
        openFileCacheCapacity: Int
    ) {
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
    /// - Parameters:
    ///   - turn: the number of the loop's turn.
    ///   - tick: the loop's second.
    ///   - isHit: set to whether an open descriptor answered.
    /// - Throws: the file system's own error; EXDEV when a symbolic link leads out, EISDIR for a folder, EACCES for what
    ///   is neither a folder nor a file, ELOOP for what lies on the excluded device.
    func open(_ path: UnsafeRawBufferPointer, turn: UInt64, tick: Int, isHit: inout Bool) throws(Errno) -> OpenFile {
        let name = path.baseAddress!.assumingMemoryBound(to: CChar.self)
        guard let cache else { return try openAnew(path, name) }
        let hash = OpenFileCache.hash(path)
        if let file = cache.find(path, hash: hash, tick: tick) {
            if file.checkedTurn == turn {
                isHit = true
                return file
            }
            let status = try? Files.status(root.rawValue, name)
            if let status, FileIdentity(status) == file.identity, ContentVersion(status) == file.version {
                file.checkedTurn = turn
                isHit = true
                return file
            }
            cache.remove(file)
        }
        let file = try openAnew(path, name)
        file.checkedTurn = turn
        cache.insert(file, path: path, hash: hash, tick: tick)
        return file
    }

    /// Whether `path` names a folder.
    func isDirectory(_ path: UnsafePointer<CChar>) -> Bool {
        let flags = Files.pathOnly | O_DIRECTORY
        return (try? Files.openBeneath(root.rawValue, path, flags: flags, resolution: Self.resolution)) != nil
    }

    /// Closes the files that nobody has asked for for a while: they may have been deleted, and hold their space.
    func closeIdle(tick: Int) { cache?.removeIdle(before: tick - Limits.openFileIdleSeconds) }

    /// Closes the files kept open; those of responses under way when these are done.
    func removeAll() { cache?.removeAll() }

    private static let resolution: PathResolution = [.beneath, .noMagicLinks]

    private func openAnew(_ path: UnsafeRawBufferPointer, _ name: UnsafePointer<CChar>) throws(Errno) -> OpenFile {
        // O_NONBLOCK and O_NOCTTY: a FIFO or terminal in the docroot must neither block the loop nor become ours.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        let file = try openRetrying(name, flags: flags)
        let status = try Files.status(file.rawValue)
        if let excludedDevice, UInt64(status.st_dev) == excludedDevice { throw .tooManySymbolicLinkLevels }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return OpenFile(file, status: status, path: path)
        case S_IFDIR: throw .isDirectory
        default: throw .permissionDenied
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

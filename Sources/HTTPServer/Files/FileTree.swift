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
    /// The device whose files are mapped; nil for none.
    private let mappedDevice: UInt64?
    /// Whether the kernel keeps pages that a daemon has read for it.
    let keepsPages: Bool
    private let budgets: FileBudgets
    private let measurements: Measurements
    private let closer: DescriptorCloser?
    /// What lies on this device is not this tree's: the docroot's tree keeps out of the mount.
    var excludedDevice: UInt64?
    private let cache: OpenFileCache?
    /// Files that would not stay the same, each in the place of its path's hash, and until when nobody tries again (CLOCK_MONOTONIC).
    private let unsettled = Guarded([Unsettled](repeating: Unsettled(), count: 64))
    private let accessTimes = AccessTimes()

    private struct Unsettled: Sendable {
        var hash: UInt64 = 0
        var untilNanoseconds: UInt64 = 0
    }

    /// - Parameters:
    ///   - openFileCacheCapacity: how many files are kept open between requests; 0 for none.
    ///   - keepsPages: whether the kernel keeps pages that a daemon has read for it.
    ///   - budgets: bound what is mapped and held in memory.
    ///   - closer: closes files where that may wait; nil where it never does.
    ///   - measurements: tell when the kernel is told of changes.
    init(
        root: SharedDescriptor, servingPath: ServingPath, excludedDevice: UInt64?, sender: Sender,
        keepsPages: Bool, budgets: FileBudgets, openFileCacheCapacity: Int, closer: DescriptorCloser?,
        measurements: Measurements
    ) {
        self.keepsPages = keepsPages
        self.measurements = measurements
        self.closer = closer
        self.budgets = budgets
        let selfContainedDevice = MountTable.selfContainedDevice(root.rawValue)
        quicklyClosedDevice = closer == nil ? nil : selfContainedDevice
        mappedDevice =
            switch (sender, servingPath) {
            case (.mmap, .mount): try? root.withRawValue { (root) throws(Errno) in try Files.cachedMount(root).device }
            case (.mmap, .bypass): selfContainedDevice
            default: nil
            }
        self.root = root
        self.servingPath = servingPath
        self.sender = sender
        self.excludedDevice = excludedDevice
        cache = openFileCacheCapacity > 0 ? OpenFileCache(capacity: openFileCacheCapacity) : nil
    }

    /// The file at `path`, NUL-terminated and relative to the root; never one outside, whatever symbolic links say.
    ///
    /// A file that is kept open is looked at anew, by name, once in each turn of the event loop: a request that arrives
    /// after a change is answered with it, and the requests of one turn share the cost. Where the kernel is told of a change
    /// meanwhile, it is looked at once more.
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
        let changesTold = changesTold
        let keptFile = cache?.find(path, hash: hash, tick: tick)
        thread.meter.endPhase(.resolve)
        if let file = keptFile {
            if file.checkedTurn == turn, file.checkedChanges == changesTold { return .file(file, isKept: true) }
            let status = thread.mayWait { try? Files.status(root.rawValue, name) }
            thread.meter.endPhase(.statx)
            if let status, FileIdentity(status) == file.identity, ContentVersion(status) == file.version {
                if !thread.isOvertaken {
                    file.noteChecked(turn: turn, changesTold: changesTold)
                    map(file, on: thread)
                }
                return .file(file, isKept: true)
            }
            if !thread.isOvertaken { cache?.remove(file) }
        }
        let unsettled = unsettled.withLock { $0[Int(hash % 64)] }
        if hash == unsettled.hash, Clock.monotonicNanoseconds < unsettled.untilNanoseconds {
            return .failure(.staleNFSFileHandle)
        }
        defer { thread.meter.endPhase(.open) }
        do throws(Errno) {
            let file = try thread.mayWait { () throws(Errno) in
                try openAtOneVersion(path, name, excluding: excludedDevice)
            }
            // One that has just changed is not kept: its permissions may have changed between the open and the look at it, or
            // through the mount have been checked by attributes that had just been dropped. Kept, it would be served as long
            // as it stays as it is now, though nobody may open it.
            if let cache, !thread.isOvertaken, !file.isRecent {
                file.noteChecked(turn: turn, changesTold: changesTold)
                cache.insert(file, path: path, hash: hash, tick: tick)
            }
            return .file(file, isKept: false)
        } catch {
            if error == .staleNFSFileHandle, keepsPages {
                let until = Clock.monotonicNanoseconds + Limits.snapshotNanosecondsMax
                self.unsettled.withLock { $0[Int(hash % 64)] = Unsettled(hash: hash, untilNanoseconds: until) }
            }
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

    /// How often the kernel has been told of changes, when a look at a file begins.
    private var changesTold: UInt64 {
        servingPath == .mount ? measurements.changesTold.load(ordering: .acquiring) : 0
    }

    /// Opens a file; one that has just changed so that it is sent as it is at one moment.
    ///
    /// Through the mount, the kernel may just be dropping its pages, one by one: those of one file may be of several versions. The
    /// daemon reads a file as it is at one moment, so a small one is read with one READ.
    ///
    /// - Throws: ESTALE when it does not stay the same for as long as that takes, again and again; what opening and reading it gives.
    private func openAtOneVersion(
        _ path: UnsafeRawBufferPointer, _ name: UnsafePointer<CChar>, excluding excludedDevice: UInt64?
    ) throws(Errno) -> OpenFile {
        let began = Clock.monotonicNanoseconds
        var (attempts, lateAttempts) = (0, 0)
        var pause = Limits.snapshotPauseMicroseconds
        while true {
            let file = try open(path, name, excluding: excludedDevice)
            guard keepsPages, file.isRecent, file.size <= Limits.directBodyBytesMax else { return file }
            guard (try? Files.useDirectIO(file.rawDescriptor)) != nil else { return file }
            file.noteDirectIO()
            let attempt = FileSnapshot.take(file.rawDescriptor, file.version, budget: budgets.snapshots)
            switch attempt {
            case .taken(let snapshot):
                file.note(snapshot)
                return file
            case .refused: return file
            // Nothing is sent yet, and another answer can be.
            case .failed(let error): throw error
            case .refusedAndGrown where attempts >= Limits.grownAttemptsMax: return file
            case .changed, .late, .refusedAndGrown:
                let elapsed = Clock.monotonicNanoseconds - began
                let isLate = if case .late = attempt { true } else { false }
                if isLate { lateAttempts += 1 } else { attempts += 1 }
                let isOver =
                    attempts >= Limits.snapshotAttemptsMin && elapsed >= Limits.snapshotNanosecondsMax
                    || lateAttempts >= Limits.snapshotAttemptsMin && elapsed >= Limits.lateNanosecondsMax
                    || attempts + lateAttempts > 1 && elapsed >= Limits.lateNanosecondsLast
                if isOver { throw .staleNFSFileHandle }
                if !isLate { pause = Limits.snapshotPauseMicroseconds }
                usleep(pause)
                if isLate { pause = min(2 * pause, Limits.latePauseMicrosecondsMax) }
            }
        }
    }

    private func open(
        _ path: UnsafeRawBufferPointer, _ name: UnsafePointer<CChar>, excluding excludedDevice: UInt64?
    ) throws(Errno) -> OpenFile {
        // O_NONBLOCK and O_NOCTTY: a FIFO or terminal in the docroot must neither block the loop nor become ours.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        let file = try accessTimes.preserving(flags) { (flags) throws(Errno) in try openRetrying(name, flags: flags) }
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

    /// Maps a file that has been asked for again, if it is one to be mapped.
    private func map(_ file: OpenFile, on thread: LoopThread) {
        guard let mappedDevice, file.isToBeMapped, file.identity.device == mappedDevice else { return }
        // Once others are mapped no more, it may be.
        guard budgets.mappings.reserve() else { return }
        let mapping = thread.mayWait { MappedFile(file.rawDescriptor, size: Int(file.size), budget: budgets.mappings) }
        if !thread.isOvertaken { file.noteMapping(mapping) }
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
    ///
    /// So does a refusal during which the kernel was told of a change: of an inode that is new to it, it checks a mode without
    /// permissions where the notification has overtaken the mount's answers (fs/fuse/inode.c, `fuse_init_inode`).
    private func openRetrying(_ name: UnsafePointer<CChar>, flags: CInt) throws(Errno) -> OwnedDescriptor {
        for _ in 0..<Limits.staleRetriesMax {
            let changesTold = changesTold
            do throws(Errno) {
                return try Files.openBeneath(root.rawValue, name, flags: flags, resolution: Self.resolution)
            } catch {
                switch error {
                case .staleNFSFileHandle: continue
                case .permissionDenied, .notPermitted:
                    // Each is counted before and after.
                    if changesTold == self.changesTold, changesTold % 2 == 0 { throw error }
                default: throw error
                }
            }
        }
        return try Files.openBeneath(root.rawValue, name, flags: flags, resolution: Self.resolution)
    }
}

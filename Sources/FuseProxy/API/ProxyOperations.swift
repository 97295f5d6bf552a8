import Glibc
import Platform
import Telemetry

/// An inode with its attributes: the answer to a lookup.
struct InodeEntry {
    var inode: InodeNumber
    var attributes: stat
    var timeouts: CacheTimeouts
}

/// The operations of the proxy file system, whichever API of libfuse asks for them: read-only, below the docroot.
///
/// Any FUSE thread. No operation waits for anything but the docroot, and a READ of a file that is just being cut, for a bounded time
/// (`readChecked`). None holds a lock when it returns.
final class ProxyOperations: Sendable {
    let rules: CacheRules
    let files: OpenFiles
    let reads: ReadStrategy
    let mappings = MappingCache()
    private let docroot: Docroot
    let inodes: InodeTable
    let resolver: Resolver
    private let openDirectories = OpenDirectories()
    private let isStateless: Bool
    let keepsPages: Bool
    /// Files whose pages the kernel must drop; the watcher's thread takes them from here.
    let changed: ChangedInodes
    /// The watcher's thread, while there is one.
    let tellingThread = TellingThread()
    /// There until the session is initialized and the kernel has had its lesson.
    private let lesson = Guarded<LessonFile?>(nil)

    /// - Parameter watch: what tells of changes, when the cache policy is `watched`.
    init(docroot: Docroot, configuration: ProxyConfiguration, watch: DocrootWatch? = nil) throws(Errno) {
        self.docroot = docroot
        rules = CacheRules(configuration.cache, watch: watch, device: docroot.identity.device)
        reads = configuration.read
        isStateless = configuration.open == .stateless
        keepsPages = configuration.keepsPages
        changed = try ChangedInodes()
        inodes = InodeTable(root: docroot.inodeIdentity)
        resolver = Resolver(
            docroot: docroot, inodes: inodes, directoryDescriptorsMax: configuration.directoryDescriptorsMax)
        files = OpenFiles(configuration, resolver: resolver, inodes: inodes)
        _ = watch?.cover(.root, docroot.rawDescriptor)
    }

    /// The number of inodes the kernel knows.
    var inodeCount: Int { inodes.count }

    // MARK: - The lesson at the start

    /// Lets the kernel learn what is not answered, by a file that is there for the time of `body`.
    func teach(_ body: (LessonFile) throws(Errno) -> Void) throws(Errno) {
        let file = LessonFile()
        lesson.withLock { $0 = file }
        defer { lesson.withLock { $0 = nil } }
        try body(file)
    }

    private var lessonFile: LessonFile? { lesson.withLock { $0 } }

    // MARK: - Names

    /// Looks a name up and counts one lookup of what it names.
    func lookup(parent: InodeNumber, name: ComponentName) throws(Errno) -> InodeEntry {
        if parent == .root, let lesson = lessonFile, lesson.isNamed(name) {
            var gone: [InodeNumber] = []
            let inode = try inodes.lookup(LessonFile.identity, parent: .root, name: name, gone: &gone)
            lesson.remember(inode)
            return InodeEntry(
                inode: inode, attributes: LessonFile.attributes,
                timeouts: CacheTimeouts(entrySeconds: 0, attributeSeconds: 1))
        }
        let folder = try resolver.directory(parent)
        return try folder.withRawValue { (folder) throws(Errno) in
            try lookup(parent: parent, folder: folder, name: name)
        }
    }

    /// The same for the child of a folder that is open already.
    func lookup(in directory: OpenDirectory, name: ComponentName) throws(Errno) -> InodeEntry {
        try lookup(parent: directory.inode, folder: directory.rawValue, name: name)
    }

    private func lookup(parent: InodeNumber, folder: CInt, name: ComponentName) throws(Errno) -> InodeEntry {
        var hasCrossedMount = false
        let looked = inodes.moment
        let child = try resolver.openChild(
            name, in: folder, flags: Files.pathOnly, hasCrossedMount: &hasCrossedMount)
        let status = try InodeStatus(child.rawValue)
        // The docroot mounted inside itself: as a tree it would have no end.
        guard status.identity.file != docroot.identity else { throw .tooManySymbolicLinkLevels }
        var gone: [InodeNumber] = []
        let inode = try inodes.lookup(status.identity, parent: parent, name: name, gone: &gone)
        letGo(of: gone)
        let isFolder = status.attributes.st_mode & S_IFMT == S_IFDIR
        // A watch sees the docroot's own file system, not what is mounted in it.
        if isFolder, let watch = rules.watch, resolver.isOnDocrootsFileSystem(status.identity), !watch.covers(inode) {
            _ = watch.cover(inode, child.rawValue)
        }
        let isFile = status.attributes.st_mode & S_IFMT == S_IFREG
        // A descriptor that is kept would keep what is mounted in the docroot from being unmounted.
        if !hasCrossedMount, resolver.isOnDocrootsFileSystem(status.identity) {
            if isFile { files.remember(inode, child) } else if isFolder { resolver.remember(inode, child) }
        }
        var entry = InodeEntry(
            inode: inode, attributes: status.attributes,
            timeouts: rules.timeouts(inode, parent: parent, attributes: status.attributes))
        noteSeen(inode, &entry.attributes, &entry.timeouts, looked: looked)
        return entry
    }

    /// Counts one more lookup of what has just been looked up.
    func retain(_ entry: InodeEntry) { inodes.retain(entry.inode) }

    func forget(_ inode: InodeNumber, lookups: UInt64) {
        letGo(of: inodes.forget(inode, lookups: lookups))
    }

    private func letGo(of gone: [InodeNumber]) {
        guard !gone.isEmpty else { return }
        resolver.forget(gone)
        files.forget(gone)
        mappings.forget(gone)
        rules.watch?.forget(gone)
    }

    /// A file that has changed in a way that the kernel does not notice by itself, because it compares size and modification
    /// time only, is queued to be told of.
    ///
    /// - Parameters:
    ///   - attributes: what was found, and what the kernel is to be answered.
    ///   - looked: a moment before the look.
    private func noteSeen(
        _ inode: InodeNumber, _ attributes: inout stat, _ timeouts: inout CacheTimeouts, looked: UInt64
    ) {
        guard attributes.st_mode & S_IFMT == S_IFREG, keepsPages else { return }
        // After the reply: an invalidation that overtakes it would make the kernel ignore the attributes in it.
        let isTold = rules.watch != nil && timeouts.attributeSeconds == CacheTimeouts.unlimited
        let version = ContentVersion(attributes)
        let seen = inodes.noteSeen(version, of: inode, isTold: isTold, looked: looked)
        if seen.isChanged { ProxyThread.currentIfAny?.changedInodes.append(inode) }
        if seen.answer != version {
            seen.answer.apply(to: &attributes)
            timeouts.attributeSeconds = 0
        }
    }

    // MARK: - Attributes

    func attributes(_ inode: InodeNumber) throws(Errno) -> (attributes: stat, timeouts: CacheTimeouts) {
        if inode == .root {
            let attributes = try Files.status(docroot.rawDescriptor)
            return (attributes, rules.timeouts(inode, parent: nil, attributes: attributes))
        }
        do throws(Errno) {
            var status: InodeStatus?
            let looked = inodes.moment
            _ = try resolver.open(inode, flags: Files.pathOnly, status: &status)
            let parent = try inodes.location(of: inode).parent
            var attributes = status!.attributes
            var timeouts = rules.timeouts(inode, parent: parent, attributes: attributes)
            noteSeen(inode, &attributes, &timeouts, looked: looked)
            return (attributes, timeouts)
        } catch .staleNFSFileHandle {
            // Renamed, deleted or replaced, but somebody still has it open: then it still has its attributes.
            let held = files.statusOfOpenFile(inode) ?? resolver.statusOfHeldFolder(inode)
            guard let status = held else { throw .staleNFSFileHandle }
            return (status.attributes, CacheTimeouts(entrySeconds: 0, attributeSeconds: 0))
        }
    }

    func readLink(_ inode: InodeNumber, into buffer: UnsafeMutableBufferPointer<CChar>) throws(Errno) -> Int {
        var status: InodeStatus?
        let link = try resolver.open(inode, flags: Files.pathOnly, status: &status)
        return try Files.readLink(link.rawValue, into: buffer)
    }

    /// The figures of the docroot's file system (`fstatvfs(3)`).
    func fileSystemStatus() throws(Errno) -> statvfs {
        var status = statvfs()
        guard fstatvfs(docroot.rawDescriptor, &status) == 0 else { throw Errno(rawValue: errno) }
        return status
    }

    // MARK: - Files

    /// Opens a file for reading.
    ///
    /// - Throws: EROFS for any other access; ENOSYS where the kernel is to open by itself.
    func open(_ inode: InodeNumber, flags: CInt, channel: CInt) throws(Errno) -> OpenReply {
        guard flags & O_ACCMODE == O_RDONLY, flags & O_TRUNC == 0 else { throw .readOnlyFileSystem }
        if let lesson = lessonFile, lesson.isNumbered(inode) {
            if isStateless { throw .noFunction }
            return OpenReply(handle: LessonFile.handle)
        }
        return try files.open(inode, channel: channel)
    }

    /// Ends what `open` began.
    func release(_ inode: InodeNumber, handle: UInt64, channel: CInt) {
        guard handle != LessonFile.handle else { return }
        files.release(inode, handle: handle, channel: channel)
    }

    /// Where the docroot's file has its next data or hole (`lseek(2)`); the kernel does the rest of `lseek` by itself.
    ///
    /// - Throws: EINVAL for any other `whence`.
    func seek(_ inode: InodeNumber, handle: UInt64, from offset: Int64, whence: CInt) throws(Errno) -> Int64 {
        guard let extent = FileExtent(rawValue: whence) else { throw .invalidArgument }
        return try files.withDescriptor(inode, handle: handle) { (file) throws(Errno) in
            try Files.find(extent, in: file, from: offset)
        }
    }

    // MARK: - Folders

    /// - Throws: ENOSYS where the kernel is to open by itself.
    func openDirectory(_ inode: InodeNumber) throws(Errno) -> UInt64 {
        if isStateless { throw .noFunction }
        return openDirectories.insert(try makeOpenDirectory(inode))
    }

    /// The folder behind a handle; without handles, opened for this one request.
    func directory(_ inode: InodeNumber, handle: UInt64) throws(Errno) -> OpenDirectory {
        isStateless ? try makeOpenDirectory(inode) : try openDirectories.directory(handle)
    }

    func releaseDirectory(_ handle: UInt64) { openDirectories.release(handle) }

    /// A folder opened for reading.
    func makeOpenDirectory(_ inode: InodeNumber) throws(Errno) -> OpenDirectory {
        OpenDirectory(try resolver.openDirectory(inode), inode: inode)
    }

    /// Closes what the kernel has not released, after the session's last request.
    func releaseAll() { files.releaseAll() }
}

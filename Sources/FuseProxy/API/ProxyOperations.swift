import Glibc
import Platform
import Telemetry

/// An inode with its attributes: the answer to a lookup.
struct InodeEntry {
    var inode: InodeNumber
    var attributes: stat
}

/// The operations of the proxy file system, whichever API of libfuse asks for them: read-only, below the docroot.
///
/// Any FUSE thread. No operation waits for anything but the docroot, and none holds a lock when it returns.
final class ProxyOperations: Sendable {
    let timeouts = CacheTimeouts.standard
    private let docroot: Docroot
    private let inodes: InodeTable
    private let resolver: Resolver
    private let openFiles = OpenFiles()
    private let openDirectories = OpenDirectories()

    init(docroot: Docroot, directoryDescriptorsMax: Int) {
        self.docroot = docroot
        inodes = InodeTable(root: docroot.inodeIdentity)
        resolver = Resolver(docroot: docroot, inodes: inodes, directoryDescriptorsMax: directoryDescriptorsMax)
    }

    /// The number of inodes the kernel knows.
    var inodeCount: Int { inodes.count }

    // MARK: - Names

    /// Looks a name up and counts one lookup of what it names.
    func lookup(parent: InodeNumber, name: ComponentName) throws(Errno) -> InodeEntry {
        let folder = try resolver.directory(parent)
        return try lookup(parent: parent, folder: folder.rawValue, name: name)
    }

    /// The same for the child of a folder that is open already.
    func lookup(in directory: OpenDirectory, name: ComponentName) throws(Errno) -> InodeEntry {
        try lookup(parent: directory.inode, folder: directory.rawValue, name: name)
    }

    private func lookup(parent: InodeNumber, folder: CInt, name: ComponentName) throws(Errno) -> InodeEntry {
        let child = try resolver.openChild(name, in: folder, flags: Files.pathOnly)
        let status = try InodeStatus(child.rawValue)
        // The docroot mounted inside itself: as a tree it would have no end.
        guard status.identity.file != docroot.identity else { throw .tooManySymbolicLinkLevels }
        let inode = try inodes.lookup(status.identity, parent: parent, name: name)
        return InodeEntry(inode: inode, attributes: status.attributes)
    }

    func forget(_ inode: InodeNumber, lookups: UInt64) {
        resolver.forget(inodes.forget(inode, lookups: lookups))
    }

    // MARK: - Attributes

    func attributes(_ inode: InodeNumber) throws(Errno) -> stat {
        if inode == .root { return try Files.status(docroot.rawDescriptor) }
        do throws(Errno) {
            var status: InodeStatus?
            _ = try resolver.open(inode, flags: Files.pathOnly, status: &status)
            return status!.attributes
        } catch .staleNFSFileHandle {
            // Deleted or replaced, but somebody still has it open: then it still has its attributes.
            guard let descriptor = openFiles.anyDescriptor(of: inode) else { throw .staleNFSFileHandle }
            return try Files.status(descriptor)
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
    /// - Returns: the handle, and whether the pages that the kernel kept from an earlier open are still the file's.
    func open(_ inode: InodeNumber, flags: CInt) throws(Errno) -> (handle: UInt64, keepCache: Bool) {
        guard flags & O_ACCMODE == O_RDONLY, flags & O_TRUNC == 0 else { throw .readOnlyFileSystem }
        // The kernel opens FIFOs and devices by itself; O_NONBLOCK and O_NOCTTY are for the one that takes the file's place
        // between the lookup and now. `resolver` finds it to be another inode and closes it again.
        var status: InodeStatus?
        let file = try resolver.open(inode, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY, status: &status)
        let keepCache = inodes.noteContent(ContentVersion(status!.attributes), of: inode)
        return (openFiles.insert(file, for: inode), keepCache)
    }

    func read(
        _ handle: UInt64, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(Errno) -> Int {
        try CopyReader.read(openFiles.descriptor(handle), into: buffer, at: offset)
    }

    func release(_ handle: UInt64) { openFiles.release(handle) }

    // MARK: - Folders

    func openDirectory(_ inode: InodeNumber) throws(Errno) -> UInt64 {
        var status: InodeStatus?
        let descriptor = try resolver.open(inode, flags: O_RDONLY | O_DIRECTORY, status: &status)
        return openDirectories.insert(OpenDirectory(descriptor, inode: inode))
    }

    func directory(_ handle: UInt64) throws(Errno) -> OpenDirectory { try openDirectories.directory(handle) }

    func releaseDirectory(_ handle: UInt64) { openDirectories.release(handle) }

    /// Closes what the kernel has not released, after the session's last request.
    func releaseAll() { openFiles.releaseAll() }
}

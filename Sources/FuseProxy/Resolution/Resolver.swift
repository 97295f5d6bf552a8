import Glibc
import Platform

/// Finds inodes in the docroot again, one name at a time, each from the descriptor of its folder.
///
/// What it guarantees: no symbolic link is followed, no step leaves the docroot, and no step enters a FUSE file system
/// below it. The last is what keeps a FUSE thread from waiting for itself: a step that would cross into another mount is
/// refused by the kernel (RESOLVE_NO_XDEV) and taken again only after the mount table has said that what is mounted there
/// depends on no other file system, which might be this one.
/// Any FUSE thread.
final class Resolver: Sendable {
    private let docroot: Docroot
    private let inodes: InodeTable
    private let directories: DescriptorCache

    init(docroot: Docroot, inodes: InodeTable, directoryDescriptorsMax: Int) {
        directories = DescriptorCache(capacity: directoryDescriptorsMax)
        self.docroot = docroot
        self.inodes = inodes
    }

    /// A descriptor (`O_PATH`) of the folder `inode`.
    ///
    /// - Throws: ESTALE when it is not where it was last found: the kernel then looks it up again.
    func directory(_ inode: InodeNumber) throws(Errno) -> SharedDescriptor {
        if inode == .root { return docroot.descriptor }
        if let descriptor = directories[inode] { return descriptor }

        // Up to the nearest folder that is open, then down again.
        var missing: [(inode: InodeNumber, location: InodeLocation)] = []
        var nearest = inode
        var descriptor: SharedDescriptor?
        while descriptor == nil {
            let location = try inodes.location(of: nearest)
            missing.append((nearest, location))
            nearest = location.parent
            descriptor = nearest == .root ? docroot.descriptor : directories[nearest]
        }
        var folder = descriptor!
        for (inode, location) in missing.reversed() {
            var status: InodeStatus?
            let flags = Files.pathOnly | O_DIRECTORY
            let child = try folder.withRawValue { (folder) throws(Errno) in
                try openKnown(location, in: folder, flags: flags, status: &status)
            }
            folder = SharedDescriptor(child)
            // A descriptor that is kept would keep what is mounted in the docroot from being unmounted.
            if isOnDocrootsFileSystem(location.identity) { directories.insert(folder, for: inode) }
        }
        return folder
    }

    /// Opens `inode` with `flags`, makes sure that it is what it was, and gives its status, which that has cost already.
    ///
    /// - Throws: ESTALE when something else, or nothing, is there now.
    func open(_ inode: InodeNumber, flags: CInt, status: inout InodeStatus?) throws(Errno) -> OwnedDescriptor {
        if inode == .root {
            let root = try Files.openBeneath(docroot.rawDescriptor, ".", flags: flags, resolution: .beneath)
            status = try InodeStatus(root.rawValue)
            return root
        }
        let location = try inodes.location(of: inode)
        let folder = try directory(location.parent)
        return try folder.withRawValue { (folder) throws(Errno) in
            try openKnown(location, in: folder, flags: flags, status: &status)
        }
    }

    /// Opens the folder `inode` for reading: where it was last found or, when it is not there any more, by the descriptor that
    /// is held of it. Who has it open goes on to see it when it is renamed.
    ///
    /// - Throws: ESTALE when something else, or nothing, is there now, and no descriptor is held.
    func openDirectory(_ inode: InodeNumber) throws(Errno) -> OwnedDescriptor {
        let flags = O_RDONLY | O_DIRECTORY
        do throws(Errno) {
            var status: InodeStatus?
            return try open(inode, flags: flags, status: &status)
        } catch .staleNFSFileHandle {
            guard let folder = directories[inode] else { throw .staleNFSFileHandle }
            return try folder.withRawValue { (folder) throws(Errno) in
                try Files.openBeneath(folder, ".", flags: flags, resolution: .beneath)
            }
        }
    }

    /// The status of a folder that is held open though it is not where it was last found; nil when it is not held.
    func statusOfHeldFolder(_ inode: InodeNumber) -> InodeStatus? {
        try? directories[inode]?.withRawValue { (folder) throws(Errno) in try InodeStatus(folder) }
    }

    /// Keeps a folder that has just been looked up, by the descriptor that named it.
    func remember(_ inode: InodeNumber, _ folder: consuming OwnedDescriptor) {
        guard directories[inode] == nil else { return }
        directories.insert(SharedDescriptor(folder), for: inode)
    }

    /// Opens the child `name` of the folder `directory`, as the lookup of a name does; never a symbolic link's target.
    ///
    /// - Throws: ENOENT, EACCES …: the docroot's own; ELOOP when a FUSE file system is mounted there.
    func openChild(_ name: ComponentName, in directory: CInt, flags: CInt) throws(Errno) -> OwnedDescriptor {
        var hasCrossedMount = false
        return try openChild(name, in: directory, flags: flags, hasCrossedMount: &hasCrossedMount)
    }

    /// The same.
    ///
    /// - Parameter hasCrossedMount: set when something is mounted on the name.
    func openChild(
        _ name: ComponentName, in directory: CInt, flags: CInt, hasCrossedMount: inout Bool
    ) throws(Errno) -> OwnedDescriptor {
        let flags = flags | O_NOFOLLOW
        do throws(Errno) {
            return try name.withCString { (name) throws(Errno) in
                try Files.openBeneath(
                    directory, name, flags: flags, resolution: [.beneath, .noSymbolicLinks, .noMountCrossing])
            }
        } catch .improperLink {
            hasCrossedMount = true
            return try openAcrossMount(name, in: directory, flags: flags)
        }
    }

    /// Whether a file is on the file system of the docroot's root, not on one that is mounted below it.
    func isOnDocrootsFileSystem(_ identity: InodeIdentity) -> Bool {
        identity.file.device == docroot.identity.device
    }

    /// Lets go of what is held open for inodes that the kernel has forgotten.
    func forget(_ inodes: [InodeNumber]) {
        directories.remove(inodes)
    }

    private func openKnown(
        _ location: InodeLocation, in folder: CInt, flags: CInt, status: inout InodeStatus?
    ) throws(Errno) -> OwnedDescriptor {
        let descriptor: OwnedDescriptor
        do throws(Errno) {
            descriptor = try openChild(location.name, in: folder, flags: flags)
        } catch .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels {
            throw .staleNFSFileHandle
        }
        let found = try InodeStatus(descriptor.rawValue)
        guard found.identity == location.identity else { throw .staleNFSFileHandle }
        status = found
        return descriptor
    }

    /// A name on which something is mounted: opened as a mere name first, which asks no file system anything, and for real
    /// only once it is known that no daemon, and so perhaps this one, would have to answer.
    private func openAcrossMount(
        _ name: ComponentName, in directory: CInt, flags: CInt
    ) throws(Errno) -> OwnedDescriptor {
        let named = try name.withCString { (name) throws(Errno) in
            try Files.openBeneath(
                directory, name, flags: Files.pathOnly | O_NOFOLLOW, resolution: [.beneath, .noSymbolicLinks])
        }
        let mountID = try Files.cachedMount(named.rawValue).mountID
        guard let entry = try MountTable.read().last(where: { $0.mountID == mountID }), entry.isSelfContained else {
            throw .tooManySymbolicLinkLevels
        }
        if flags & Files.pathOnly != 0 { return named }
        return try Files.open("/proc/self/fd/\(named.rawValue)", flags: flags & ~O_NOFOLLOW)
    }
}

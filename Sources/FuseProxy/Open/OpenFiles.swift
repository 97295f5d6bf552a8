import CFuse3
import Glibc
import Platform

/// The answer to an OPEN (`struct fuse_open_out` of linux/fuse.h), laid out as the kernel takes it.
struct OpenReply: BitwiseCopyable {
    var handle: UInt64 = 0
    var flags: UInt32 = 0
    /// Passthrough's; 0 otherwise.
    var backingID: Int32 = 0

    static let directIO: UInt32 = 1 << 0
    static let keepCache: UInt32 = 1 << 1
    /// No FLUSH at each close, for nothing is ever written: above all none when a process exits, which would then wait for
    /// an answer that, if it is this process, nobody is left to give.
    static let noFlush: UInt32 = 1 << 5
    static let passthrough: UInt32 = 1 << 7
}

/// The docroot's files behind what the kernel has open, by the open strategy in effect. Any FUSE thread.
final class OpenFiles: Sendable {
    private let strategy: OpenStrategy
    private let usesDirectIO: Bool
    private let resolver: Resolver
    private let inodes: InodeTable
    private let perOpen = PerOpenFiles()
    /// Descriptors by inode: `retained` pins those the kernel has open; `stateless`, which is not told, none.
    private let byInode: DescriptorCache
    /// Names (`O_PATH`) of files that `stateless` may be asked to read without having been told of their OPEN: by one the file
    /// is found again although it has been replaced or deleted since it was looked up.
    private let named: DescriptorCache
    let backing = BackingFiles()
    private let accessTimes = AccessTimes()

    init(_ configuration: ProxyConfiguration, resolver: Resolver, inodes: InodeTable) {
        strategy = configuration.open
        usesDirectIO = configuration.cache == .none
        self.resolver = resolver
        self.inodes = inodes
        byInode = DescriptorCache(capacity: configuration.fileDescriptorsMax)
        named = DescriptorCache(capacity: configuration.fileDescriptorsMax)
    }

    // The kernel opens FIFOs and devices by itself; O_NONBLOCK and O_NOCTTY are for the one that takes a file's place between
    // the lookup and the open. The resolver finds it to be another inode and closes it again.
    private static let openFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY

    /// Opens `inode` for the kernel.
    ///
    /// - Throws: ENOSYS from `stateless`, once: the kernel does not ask again.
    func open(_ inode: InodeNumber, channel: CInt) throws(Errno) -> OpenReply {
        var reply = try openByStrategy(inode, channel: channel)
        reply.flags |= OpenReply.noFlush
        return reply
    }

    private func openByStrategy(_ inode: InodeNumber, channel: CInt) throws(Errno) -> OpenReply {
        var status: InodeStatus?
        switch strategy {
        case .stateless:
            throw .noFunction
        case .perOpen:
            let file = try openToRead(inode, status: &status)
            let flags = cacheFlags(inode, status!)
            return OpenReply(handle: perOpen.insert(file, for: inode), flags: flags)
        case .retained:
            if let file = byInode.pin(inode) {
                do throws(Errno) {
                    let status = try file.withRawValue { (file) throws(Errno) in try InodeStatus(file) }
                    return OpenReply(flags: cacheFlags(inode, status))
                } catch {
                    byInode.unpin(inode)
                    throw error
                }
            }
            let file = SharedDescriptor(try openToRead(inode, status: &status))
            byInode.insert(file, for: inode, pinned: true)
            return OpenReply(flags: cacheFlags(inode, status!))
        case .passthrough:
            if let id = backing.openAgain(inode) { return OpenReply(flags: OpenReply.passthrough, backingID: id) }
            let file = SharedDescriptor(try openToRead(inode, status: &status))
            let id = try backing.open(inode, file, channel: channel)
            return OpenReply(flags: OpenReply.passthrough, backingID: id)
        }
    }

    /// Ends what `open` began.
    func release(_ inode: InodeNumber, handle: UInt64, channel: CInt) {
        switch strategy {
        case .perOpen: perOpen.release(handle)
        case .retained: byInode.unpin(inode)
        case .passthrough: backing.release(inode, channel: channel)
        case .stateless: break
        }
    }

    /// Calls `body` with a descriptor to read from, valid for the time of the call.
    ///
    /// - Throws: ESTALE when a file that nobody has said to be open is gone (`stateless`).
    func withDescriptor<Result>(
        _ inode: InodeNumber, handle: UInt64, _ body: (CInt) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        // The kernel's handle is the descriptor, and it keeps it from being released during this READ.
        if strategy == .perOpen { return try body(CInt(handle)) }
        return try heldDescriptor(inode).withRawValue(body)
    }

    private func heldDescriptor(_ inode: InodeNumber) throws(Errno) -> SharedDescriptor {
        if strategy == .passthrough, let file = backing[inode] { return file }
        if let file = byInode[inode] { return file }
        if let name = named[inode] {
            let opened = try name.withRawValue { (name) throws(Errno) in
                try accessTimes.preserving(Self.openFlags) { (flags) throws(Errno) in
                    try Files.open("/proc/self/fd/\(name)", flags: flags)
                }
            }
            named.remove([inode])
            return byInode.insert(SharedDescriptor(opened), for: inode)
        }
        var status: InodeStatus?
        let file = SharedDescriptor(try openToRead(inode, status: &status))
        // A descriptor that is kept would keep what is mounted in the docroot from being unmounted.
        guard resolver.isOnDocrootsFileSystem(status!.identity) else { return file }
        return byInode.insert(file, for: inode)
    }

    /// The status of a file that is open though its name is gone; nil when it is not open.
    func statusOfOpenFile(_ inode: InodeNumber) -> InodeStatus? {
        let descriptor: SharedDescriptor? =
            switch strategy {
            case .perOpen: perOpen.anyDescriptor(of: inode)
            case .retained, .stateless: byInode[inode] ?? named[inode]
            case .passthrough: backing[inode]
            }
        return try? descriptor?.withRawValue { (descriptor) throws(Errno) in try InodeStatus(descriptor) }
    }

    /// Remembers a regular file that has just been looked up, by the descriptor that named it.
    func remember(_ inode: InodeNumber, _ name: consuming OwnedDescriptor) {
        guard strategy == .stateless, named[inode] == nil, byInode[inode] == nil else { return }
        named.insert(SharedDescriptor(name), for: inode)
    }

    func forget(_ inodes: [InodeNumber]) {
        byInode.remove(inodes)
        named.remove(inodes)
    }

    func releaseAll() {
        perOpen.releaseAll()
        byInode.removeAll()
        named.removeAll()
    }

    private func openToRead(_ inode: InodeNumber, status: inout InodeStatus?) throws(Errno) -> OwnedDescriptor {
        try accessTimes.preserving(Self.openFlags) { (flags) throws(Errno) in
            try resolver.open(inode, flags: flags, status: &status)
        }
    }

    /// Pages that the kernel has kept may stay if the file is what it was when they were read.
    private func cacheFlags(_ inode: InodeNumber, _ status: InodeStatus) -> UInt32 {
        if usesDirectIO { return OpenReply.directIO }
        return inodes.noteContent(ContentVersion(status.attributes), of: inode) ? OpenReply.keepCache : 0
    }
}

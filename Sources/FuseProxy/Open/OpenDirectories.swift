import Platform

/// A folder that the kernel has open, with the position that `getdents64` goes on from.
final class OpenDirectory: Sendable {
    /// The position belongs to the descriptor: held from the seek to the read of one READDIR.
    private let descriptor: Guarded<SharedDescriptor>
    let inode: InodeNumber
    /// The folder's descriptor, for lookups of its children.
    let rawValue: CInt

    init(_ descriptor: consuming OwnedDescriptor, inode: InodeNumber) {
        let shared = SharedDescriptor(descriptor)
        rawValue = shared.rawValue
        self.descriptor = Guarded(shared)
        self.inode = inode
    }

    /// Reads directory records (`linux_dirent64`) that follow `offset`, 0 or the offset of a record given before.
    func read(from offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try descriptor.withLock { (descriptor) throws(Errno) in
            try Files.seekDirectory(descriptor.rawValue, to: offset)
            return try Files.readDirectory(descriptor.rawValue, into: buffer)
        }
    }
}

/// The folders the kernel has open, by handle. Any FUSE thread.
final class OpenDirectories: Sendable {
    private struct State {
        var directories: [UInt64: OpenDirectory] = [:]
        var lastHandle: UInt64 = 0
    }

    private let state = Guarded(State())

    func insert(_ directory: OpenDirectory) -> UInt64 {
        state.withLock { state in
            state.lastHandle += 1
            state.directories[state.lastHandle] = directory
            return state.lastHandle
        }
    }

    /// - Throws: EINVAL for a handle that was never given.
    func directory(_ handle: UInt64) throws(Errno) -> OpenDirectory {
        guard let directory = state.withLock({ $0.directories[handle] }) else { throw .invalidArgument }
        return directory
    }

    func release(_ handle: UInt64) {
        let dropped = state.withLock { $0.directories.removeValue(forKey: handle) }
        _ = dropped
    }
}

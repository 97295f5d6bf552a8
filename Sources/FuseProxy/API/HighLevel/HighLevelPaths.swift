import Glibc
import Platform

/// What stands between libfuse's high-level API, which names files by path, and the operations, which name them by inode: an
/// inode table of our own on top. Any FUSE thread.
///
/// A path is walked anew for each operation, one lookup a name, and the lookups are taken back when it is done: nothing is
/// remembered that a change in the docroot could make wrong. An open file keeps its lookup until it is released.
final class HighLevelPaths: Sendable {
    /// An open file: what its handle stands for.
    struct OpenFile {
        var inode: InodeNumber
        /// The handle of the open strategy.
        var handle: UInt64
    }

    private struct State {
        var files: [UInt64: OpenFile] = [:]
        var lastHandle: UInt64 = 0
    }

    let operations: ProxyOperations
    let configuration: ProxyConfiguration
    private let state = Guarded(State())

    init(_ operations: ProxyOperations, configuration: ProxyConfiguration) {
        self.operations = operations
        self.configuration = configuration
    }

    /// Calls `body` with the inode of `path`, absolute below the mount's root, which holds a lookup for that time.
    func withInode<Result>(
        _ path: UnsafePointer<CChar>, _ body: (InodeNumber, InodeEntry?) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        var held: [InodeNumber] = []
        defer { for inode in held.reversed() { operations.forget(inode, lookups: 1) } }
        var entry: InodeEntry?
        var position = path
        while position.pointee != 0 {
            if position.pointee == 0x2f {
                position += 1
                continue
            }
            var count = 0
            while position[count] != 0, position[count] != 0x2f { count += 1 }
            guard count <= ComponentName.byteCountMax else { throw .fileNameTooLong }
            let name = ComponentName(copying: position, count: count)
            entry = try operations.lookup(parent: held.last ?? .root, name: name)
            held.append(entry!.inode)
            position += count
        }
        return try body(held.last ?? .root, entry)
    }

    /// Opens the file at `path`.
    ///
    /// - Returns: the strategy's answer, and the handle that stands for the file until it is released.
    func open(
        _ path: UnsafePointer<CChar>, flags: CInt, channel: CInt
    ) throws(Errno) -> (reply: OpenReply, handle: UInt64) {
        try withInode(path) { (inode, entry) throws(Errno) in
            let reply = try operations.open(inode, flags: flags, channel: channel)
            if let entry { operations.retain(entry) }
            let handle = state.withLock { state in
                state.lastHandle += 1
                state.files[state.lastHandle] = OpenFile(inode: inode, handle: reply.handle)
                return state.lastHandle
            }
            return (reply, handle)
        }
    }

    func release(_ handle: UInt64, channel: CInt) {
        guard let file = state.withLock({ $0.files.removeValue(forKey: handle) }) else { return }
        operations.release(file.inode, handle: file.handle, channel: channel)
        operations.forget(file.inode, lookups: 1)
    }

    func file(_ handle: UInt64) -> OpenFile? { state.withLock { $0.files[handle] } }

    /// Calls `body` with the open file `handle`, or, where OPEN was answered ENOSYS, with the one at `path`.
    func withFile<Result>(
        _ path: UnsafePointer<CChar>?, handle: UInt64, _ body: (OpenFile) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        if let file = file(handle) { return try body(file) }
        guard let path else { throw .staleNFSFileHandle }
        return try withInode(path) { (inode, _) throws(Errno) in try body(OpenFile(inode: inode, handle: 0)) }
    }

    /// The same with the file's descriptor.
    func withDescriptor<Result>(
        _ path: UnsafePointer<CChar>?, handle: UInt64, _ body: (InodeNumber, CInt) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try withFile(path, handle: handle) { (file) throws(Errno) in
            try operations.files.withDescriptor(file.inode, handle: file.handle) { (descriptor) throws(Errno) in
                try body(file.inode, descriptor)
            }
        }
    }
}

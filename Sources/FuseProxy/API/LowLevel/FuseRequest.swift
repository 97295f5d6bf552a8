import CFuse3
import Glibc
import Platform

/// A FUSE request, to be answered exactly once: every `reply` consumes it, and one that is dropped unanswered traps, because
/// its caller would wait for ever. On the FUSE thread that received it.
struct FuseRequest: ~Copyable {
    private let request: fuse_req_t
    private let unmanagedOperations: Unmanaged<ProxyOperations>
    private let unmanagedThread: Unmanaged<ProxyThread>

    /// What answers: it outlives every request of its session.
    var operations: ProxyOperations { unmanagedOperations.takeUnretainedValue() }
    /// The calling thread's object: it outlives every request the thread receives.
    var thread: ProxyThread { unmanagedThread.takeUnretainedValue() }

    init(_ request: fuse_req_t?) {
        self.request = request!
        unmanagedOperations = .passUnretained(ProxySession.of(fuse_req_userdata(request)).operations)
        unmanagedThread = .passUnretained(ProxyThread.current)
    }

    deinit {
        Self.trapUnanswered()
    }

    private static func trapUnanswered() {
        preconditionFailure("a FUSE request was dropped without a reply")
    }

    /// Answers that the operation failed (`fuse_reply_err`).
    consuming func reply(_ error: Errno) {
        fuse_reply_err(request, error.rawValue)
        discard self
    }

    /// Answers that the operation is done (`fuse_reply_err` with 0).
    consuming func replyDone() {
        fuse_reply_err(request, 0)
        discard self
    }

    /// Ends a request that the kernel wants no answer to (`fuse_reply_none`).
    consuming func replyNone() {
        fuse_reply_none(request)
        discard self
    }

    /// Answers a LOOKUP (`fuse_reply_entry`). When the caller was interrupted meanwhile the kernel never hears of the
    /// inode, and the lookup is taken back.
    consuming func reply(_ entry: InodeEntry) {
        var parameters = fuse_entry_param(entry)
        let operations = operations
        if fuse_reply_entry(request, &parameters) == -ENOENT {
            operations.forget(entry.inode, lookups: 1)
        }
        discard self
    }

    /// Answers a GETATTR (`fuse_reply_attr`).
    consuming func reply(_ attributes: stat, seconds: Double) {
        var attributes = attributes
        fuse_reply_attr(request, &attributes, seconds)
        discard self
    }

    /// Answers a LOOKUP of a name that does not exist, to be known for some seconds (an entry with inode 0).
    consuming func replyNoEntry(seconds: Double) {
        var parameters = fuse_entry_param()
        parameters.entry_timeout = seconds
        fuse_reply_entry(request, &parameters)
        discard self
    }

    /// Answers an OPEN; the file is released when the caller was interrupted meanwhile. libfuse 3.14 has no field for a
    /// backing id, so the kernel's structure is sent as bytes.
    consuming func reply(_ reply: OpenReply, of inode: InodeNumber) {
        let operations = operations
        let channel = thread.channel
        let isTaken = withUnsafeBytes(of: reply) { bytes in
            fuse_reply_buf(request, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count) == 0
        }
        if !isTaken { operations.release(inode, handle: reply.handle, channel: channel) }
        discard self
    }

    /// Answers a READ with bytes of a file that pass no user memory (`fuse_reply_data` from a descriptor).
    consuming func reply(splicing descriptor: CInt, at offset: Int64, count: Int) {
        var vector = fuse_bufvec()
        vector.count = 1
        vector.buf.size = count
        vector.buf.flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
        vector.buf.fd = descriptor
        vector.buf.pos = off_t(offset)
        fuse_reply_data(request, &vector, FUSE_BUF_SPLICE_MOVE)
        discard self
    }

    /// Answers an OPENDIR (`fuse_reply_open`); the handle is released when the caller was interrupted meanwhile.
    consuming func reply(openDirectory handle: UInt64, mayKeepList: Bool) {
        var information = fuse_file_info()
        information.fh = handle
        information.cache_readdir = mayKeepList ? 1 : 0
        information.keep_cache = mayKeepList ? 1 : 0
        let operations = operations
        if fuse_reply_open(request, &information) == -ENOENT { operations.releaseDirectory(handle) }
        discard self
    }

    /// Answers with bytes (`fuse_reply_buf`): READ and READDIR.
    ///
    /// - Returns: whether the kernel took them.
    @discardableResult
    consuming func reply(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let isTaken = fuse_reply_buf(request, start, bytes.count) == 0
        discard self
        return isTaken
    }

    /// Answers a READLINK (`fuse_reply_readlink`) with a NUL-terminated target.
    consuming func reply(linkTarget: UnsafePointer<CChar>) {
        fuse_reply_readlink(request, linkTarget)
        discard self
    }

    /// Answers an LSEEK (`fuse_reply_lseek`).
    consuming func reply(offset: Int64) {
        fuse_reply_lseek(request, off_t(offset))
        discard self
    }

    /// Answers a STATFS (`fuse_reply_statfs`).
    consuming func reply(_ status: statvfs) {
        var status = status
        fuse_reply_statfs(request, &status)
        discard self
    }

    /// How many bytes a directory record takes with this name (`fuse_add_direntry`), written when it fits.
    borrowing func addDirectoryEntry(
        _ name: UnsafePointer<CChar>, attributes: inout stat, offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        return fuse_add_direntry(request, start, buffer.count, name, &attributes, off_t(offset))
    }

    /// The same with the attributes of a lookup (`fuse_add_direntry_plus`).
    borrowing func addDirectoryEntryPlus(
        _ name: UnsafePointer<CChar>, parameters: inout fuse_entry_param, offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        return fuse_add_direntry_plus(request, start, buffer.count, name, &parameters, off_t(offset))
    }
}

extension fuse_entry_param {
    init(_ entry: InodeEntry) {
        self.init()
        ino = fuse_ino_t(entry.inode.rawValue)
        generation = UInt64(entry.inode.generation)
        attr = entry.attributes
        attr_timeout = entry.timeouts.attributeSeconds
        entry_timeout = entry.timeouts.entrySeconds
    }
}

import CFuse3
import CKernel
import Glibc
import Platform
import Telemetry

/// How requests reach the daemon: `read(2)` from /dev/fuse and `writev(2)` back, each thread on a channel of its own, so
/// that no two threads contend for one queue's lock.
///
/// libfuse parses requests and makes replies; the system calls are made here (`fuse_session_custom_io`).
final class DeviceTransport: @unchecked Sendable {
    private let session: OpaquePointer
    /// The number of the session's own channel, valid until `close`.
    let sessionDescriptor: CInt
    /// The session's own channel; nil once closed. The life cycle's thread only.
    private(set) var sessionChannel: FuseChannel?

    /// Takes over the system calls of a mounted session, and its channel.
    init(session: OpaquePointer) throws(MountFailure) {
        self.session = session
        let library = fuse_session_fd(session)
        do throws(Errno) {
            let channel = FuseChannel(try Files.duplicate(library))
            sessionChannel = channel
            sessionDescriptor = channel.rawValue
            // libfuse closes what it has opened, with the session: that must be neither the channel nor its number.
            try ChannelNumbers.close(leaving: library)
        } catch {
            throw MountFailure("no descriptors left for the mount: \(error)")
        }
        var calls = fuse_custom_io(
            writev: writeReply, read: readRequest, splice_receive: nil, splice_send: spliceReply)
        guard fuse_session_custom_io(session, &calls, library) == 0 else {
            throw MountFailure("libfuse does not take system calls of our own: \(LibraryLog.lastMessage)")
        }
    }

    /// Another channel of the same connection (FUSE_DEV_IOC_CLONE).
    func cloneChannel() throws(Errno) -> FuseChannel {
        let clone = try Files.open("/dev/fuse", flags: O_RDWR)
        _ = try Errno.check(kernel_fuse_clone(clone.rawValue, sessionDescriptor))
        return FuseChannel(clone)
    }

    /// Closes the session's own channel, which ends the connection if no thread has another. On the life cycle's thread.
    func close() { sessionChannel = nil }

    /// Why a thread receives no more requests.
    enum End {
        /// The session is unmounted, aborted or told to exit.
        case connectionEnded
        /// It was stuck with a request, and another thread has its place.
        case replaced
    }

    /// Receives and processes requests on the calling FUSE thread.
    func run(_ thread: ProxyThread) -> End {
        FuseThreads.enter()
        defer { FuseThreads.leave() }
        assert(ThreadRules.becomeFuseThread())
        while fuse_session_exited(session) == 0 {
            let count = read(thread.channel, thread.requestBuffer.baseAddress!, thread.requestBuffer.count)
            if count <= 0 {
                let code = errno
                // ENOENT: the request was taken back before it was read.
                if count < 0, code == EINTR || code == EAGAIN || code == ENOENT { continue }
                // ENODEV: unmounted or aborted. Nothing else will get better either.
                break
            }
            let request = UnsafeRawBufferPointer(rebasing: thread.requestBuffer[..<count])
            // struct fuse_in_header: u32 length, u32 opcode, u64 unique, u64 nodeid …
            let operation = FuseOperation(opcode: request.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            thread.meter.begin(request, operation)
            thread.counters.add(FuseCounter(operation))
            if let refusal = FuseThreads.refusal(of: request) {
                thread.counters.add(.deadlocksAvoided)
                thread.counters.add(.errorReplies)
                thread.meter.replyBegins()
                refusal.send(thread.channel)
                thread.meter.replyEnded()
                thread.requestIsAnswered()
                continue
            }
            if let capabilities = KernelCapabilities(request: request) { thread.isAnsweringInit(capabilities) }
            var buffer = fuse_buf()
            buffer.mem = thread.requestBuffer.baseAddress
            buffer.size = count
            thread.call.begin()
            fuse_session_process_buf(session, &buffer)
            thread.requestIsAnswered()
            guard thread.call.end() else { return .replaced }
        }
        return .connectionEnded
    }
}

/// libfuse reads only through `run`, which does it itself.
@c private func readRequest(
    _ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ byteCount: Int, _ userData: UnsafeMutableRawPointer?
) -> Int {
    read(ProxyThread.current.channel, buffer, byteCount)
}

/// Sends a reply on the channel that the request came from. errno is left as the call has set it: libfuse reads it.
@c private func writeReply(
    _ descriptor: CInt, _ parts: UnsafeMutablePointer<iovec>?, _ count: CInt, _ userData: UnsafeMutableRawPointer?
) -> Int {
    assert(ThreadRules.locksHeld == 0, "a lock is held across a reply or a notification")
    // A notification, from a thread that is none of the FUSE threads. Only the low-level API sends any.
    guard let thread = ProxyThread.currentIfAny else {
        return writev(ProxySession.of(userData).transport.sessionDescriptor, parts, count)
    }
    if let amendment = thread.initAmendment, count == 2 {
        amendment.apply(to: UnsafeMutableRawBufferPointer(start: parts![1].iov_base, count: parts![1].iov_len))
        thread.initAmendment = nil
    }
    if let reply = thread.pendingOpenReply, count == 2, parts![1].iov_len == MemoryLayout<OpenReply>.size {
        parts![1].iov_base.storeBytes(of: reply, as: OpenReply.self)
        thread.pendingOpenReply = nil
    }
    // struct fuse_out_header: u32 length, i32 error, u64 unique
    let error = parts![0].iov_base.loadUnaligned(fromByteOffset: 4, as: Int32.self)
    if error < 0 {
        thread.counters.add(.errorReplies)
        // A READ that fails after all teaches the kernel nothing.
        thread.earlyAnswer?.end = .max
    }
    if error == -ENOTCONN || error == -ECONNABORTED {
        // The docroot's own connection has ended: as it is, that would be taken for the end of this one.
        parts![0].iov_base.storeBytes(of: -EIO, toByteOffset: 4, as: Int32.self)
    }
    thread.meter.replyBegins()
    let result = writev(thread.channel, parts, count)
    let code = errno
    thread.meter.replyEnded()
    errno = code
    return result
}

/// Moves a reply out of libfuse's pipe.
@c private func spliceReply(
    _ source: CInt, _ sourceOffset: UnsafeMutablePointer<off_t>?, _ target: CInt,
    _ targetOffset: UnsafeMutablePointer<off_t>?, _ byteCount: Int, _ flags: UInt32,
    _ userData: UnsafeMutableRawPointer?
) -> Int {
    let thread = ProxyThread.current
    thread.meter.replyBegins()
    let result = kernel_splice(source, thread.channel, byteCount, flags)
    let code = errno
    thread.meter.replyEnded()
    errno = code
    return result
}

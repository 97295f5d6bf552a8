import Glibc
import Platform

/// The kernel's ids of this process's FUSE threads, of all its sessions. Any thread; looking takes no lock.
///
/// A request whose caller is among them would wait for the thread that made it, or for another that may be doing the same:
/// it is answered at once with EDEADLK.
enum FuseThreads {
    /// Those of a session, and of some before it whose threads have not all ended.
    private static let identifiers = AtomicNumbers(capacity: 256)

    /// The calling thread is a FUSE thread from now on, until `leave`.
    static func enter() { identifiers.add(UInt64(NamedThread.currentID)) }

    static func leave() { identifiers.remove(UInt64(NamedThread.currentID)) }

    /// The reply to a request, if its caller is a FUSE thread of this process: a bare `struct fuse_out_header`. nil also for
    /// requests that nobody waits for (FORGET, RELEASE, INTERRUPT …), and which must be obeyed.
    static func refusal(of request: UnsafeRawBufferPointer) -> RefusalReply? {
        // struct fuse_in_header: u32 length, u32 opcode, u64 unique, u64 nodeid, u32 uid, u32 gid, u32 pid …
        guard request.count >= 40,
            identifiers.contains(UInt64(request.loadUnaligned(fromByteOffset: 32, as: UInt32.self)))
        else { return nil }
        switch request.loadUnaligned(fromByteOffset: 4, as: UInt32.self) {
        // FORGET, RELEASE, INIT, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET
        case 2, 18, 26, 29, 36, 38, 42: return nil
        default: return RefusalReply(unique: request.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}

/// `struct fuse_out_header` with EDEADLK.
struct RefusalReply: BitwiseCopyable {
    let length: UInt32 = 16
    let error: Int32 = -EDEADLK
    let unique: UInt64

    init(unique: UInt64) { self.unique = unique }

    /// Sends it. ENOENT, when the caller has given up meanwhile, is as good.
    func send(_ channel: CInt) { withUnsafeBytes(of: self) { _ = write(channel, $0.baseAddress, $0.count) } }
}

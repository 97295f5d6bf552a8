import CFuse3
import Glibc
import Platform

/// How requests reach the daemon: `read(2)` from /dev/fuse and `writev(2)` back, on as many threads as there are.
struct DeviceTransport: @unchecked Sendable {
    private let session: OpaquePointer

    init(session: OpaquePointer) { self.session = session }

    /// Receives and processes requests on the calling FUSE thread until the session is unmounted, aborted or told to exit.
    func run() {
        var buffer = fuse_buf()
        defer { free(buffer.mem) }
        while fuse_session_exited(session) == 0 {
            let result = fuse_session_receive_buf(session, &buffer)
            if result == -EINTR || result == -EAGAIN { continue }
            // 0: unmounted or aborted (ENODEV); anything else below 0 will not get better either.
            if result <= 0 { break }
            fuse_session_process_buf(session, &buffer)
        }
    }
}

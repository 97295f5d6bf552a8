import CKernel
import Glibc

/// Socket calls of the event loops. Any thread; every socket is non-blocking and close-on-exec.
package enum Sockets {
    /// Takes the next waiting connection (`accept4(2)`); EAGAIN when there is none.
    package static func accept(_ listener: CInt) throws(Errno) -> OwnedDescriptor {
        let flags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        while true {
            let result = kernel_accept4(listener, flags)
            if result >= 0 { return OwnedDescriptor(adopting: CInt(result)) }
            if result != -Int(EINTR) { throw Errno(rawValue: CInt(-result)) }
        }
    }

    /// What of a connection ends, or of a socket that listens.
    package enum Half { case sending, both }

    /// Ends a half of it, or both, for every descriptor of the socket (`shutdown(2)`).
    package static func shutDown(_ socket: CInt, _ half: Half) {
        _ = shutdown(socket, half == .both ? CInt(KERNEL_SHUT_RDWR) : CInt(KERNEL_SHUT_WR))
    }

    /// Receives what is there (`recv(2)`); 0 when the peer has closed its side, EAGAIN when nothing is there.
    package static func receive(_ socket: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw Errno.own(code) }
        }
    }

    /// Sends what the socket takes now (`send(2)`); `more` holds a partial segment back for what follows.
    package static func send(_ socket: CInt, _ bytes: UnsafeRawBufferPointer, more: Bool) throws(Errno) -> Int {
        let flags = CInt(MSG_NOSIGNAL) | (more ? CInt(MSG_MORE) : 0)
        while true {
            let count = Glibc.send(socket, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw Errno.own(code) }
        }
    }

    /// Sends file bytes from `offset` on without a copy through user memory, and advances `offset` (`sendfile(2)`).
    /// 0 means that the file ends here.
    package static func sendFile(
        _ socket: CInt, from file: CInt, offset: inout Int64, count: Int
    ) throws(Errno) -> Int {
        assert(ThreadRules.mayUse(file), "a file of the mount is sent by a FUSE thread or with a lock held")
        while true {
            let result = kernel_sendfile(socket, file, &offset, count)
            if result >= 0 { return result }
            if result != -Int(EINTR) { throw Errno(rawValue: CInt(-result)) }
        }
    }
}

import Glibc
import Platform

/// A READ that is being answered from a mapping, and how to answer it when the mapping turns out to be longer than the file.
///
/// A file cut short under a mapping is what kills a process with SIGBUS that touches it. Here only the kernel touches a
/// mapping, in `writev`, and for it the missing page is EFAULT: the reply is then made again, from what `pread` gives.
struct MappedRead {
    let descriptor: CInt
    let offset: Int64
    let count: Int

    /// Sends the reply once more without the mapping; its first part is the header that libfuse has made
    /// (`struct fuse_out_header`: u32 length, s32 error, u64 unique).
    ///
    /// - Returns: what `writev` returned, with errno as it left it.
    func replyAgain(on thread: ProxyThread, header: iovec) -> Int {
        let room = UnsafeMutableRawBufferPointer(rebasing: thread.buffer[..<min(count, thread.buffer.count)])
        var filled = 0
        var failure: CInt = 0
        do throws(Errno) {
            filled = try CopyReader.read(descriptor, into: room, at: offset)
        } catch {
            failure = error.rawValue
        }
        let headerBytes = 16
        let header = UnsafeMutableRawBufferPointer(start: header.iov_base, count: headerBytes)
        header.storeBytes(of: UInt32(headerBytes + filled), toByteOffset: 0, as: UInt32.self)
        header.storeBytes(of: -failure, toByteOffset: 4, as: Int32.self)
        var parts = [
            iovec(iov_base: header.baseAddress, iov_len: headerBytes),
            iovec(iov_base: room.baseAddress, iov_len: filled),
        ]
        return writev(thread.channel, &parts, filled > 0 ? 2 : 1)
    }
}

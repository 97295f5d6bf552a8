import CKernel
import Glibc
import Platform

/// A file system's own name for an inode (`name_to_handle_at(2)`): the same for every name of a file, and what fanotify
/// calls a folder by.
struct FileHandle: Hashable, Sendable {
    let type: Int32
    let bytes: [UInt8]

    init(type: Int32, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
    }

    /// The handle of an open file.
    ///
    /// - Throws: EOPNOTSUPP when the file system has none.
    init(of descriptor: CInt) throws(Errno) {
        var handle = kernel_file_handle()
        _ = try Errno.check(kernel_name_to_handle(descriptor, &handle))
        type = handle.type
        bytes = withUnsafeBytes(of: &handle.bytes) { Array($0[..<Int(handle.byteCount)]) }
    }

    /// What is in it where many file systems put the inode number (`enum fid_type` of linux/exportfs.h: FILEID_INO32_GEN,
    /// FILEID_INO32_GEN_PARENT, FILEID_INO64_GEN and its sister); nil for other types. Some put something else there.
    var inodeNumber: UInt64? {
        bytes.withUnsafeBytes { bytes in
            switch type {
            case 1, 2: bytes.count >= 4 ? UInt64(bytes.loadUnaligned(as: UInt32.self)) : nil
            case 0x81, 0x82: bytes.count >= 8 ? bytes.loadUnaligned(as: UInt64.self) : nil
            default: nil
            }
        }
    }

    /// Opens the file as a mere name (`open_by_handle_at(2)`).
    ///
    /// - Parameter mount: any descriptor on the same file system.
    /// - Throws: ESTALE when there is no such file any more, EPERM without CAP_DAC_READ_SEARCH.
    func open(mount: CInt) throws(Errno) -> OwnedDescriptor {
        var handle = kernel_file_handle()
        handle.type = type
        handle.byteCount = UInt32(bytes.count)
        withUnsafeMutableBytes(of: &handle.bytes) { $0.copyBytes(from: bytes.prefix($0.count)) }
        let flags = Files.pathOnly | O_CLOEXEC
        return OwnedDescriptor(adopting: CInt(try Errno.check(kernel_open_by_handle(mount, &handle, flags))))
    }
}

import Glibc
import Platform

/// What makes a file of the docroot the same file again.
///
/// Device and inode number are not enough: file systems give a deleted file's number to the next new one, and the kernel may
/// know the deleted one still. Its time of birth and its type tell them apart.
struct InodeIdentity: Hashable, BitwiseCopyable, Sendable {
    var file: FileIdentity
    /// Since 1970; 0 where the file system does not keep it.
    var birthNanoseconds: Int64 = 0
    /// `S_IFMT` of the mode.
    var type: mode_t = 0
}

/// The status of a file, with the identity that comes from it.
struct InodeStatus {
    var attributes: stat
    var identity: InodeIdentity

    /// The status of an open file, or of what an `O_PATH` descriptor names.
    init(_ descriptor: CInt) throws(Errno) {
        let (status, birth) = try Files.statusWithBirth(descriptor)
        attributes = status
        identity = InodeIdentity(
            file: FileIdentity(status), birthNanoseconds: birth, type: status.st_mode & S_IFMT)
    }
}

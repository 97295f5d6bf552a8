import Glibc
package import Platform

/// A file for one test that has no name any more: it is gone with its descriptor.
package enum NamelessFile {
    /// - Parameters:
    ///   - bytes: its content.
    ///   - folder: where it is made: its file system is the folder's.
    /// - Returns: a descriptor to read and write it.
    package static func make(_ bytes: [UInt8] = [], in folder: String = "/tmp") throws -> OwnedDescriptor {
        var name = Array("\(folder)/serverfs-nameless-XXXXXX".utf8CString)
        let number = mkstemp(&name)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let file = OwnedDescriptor(adopting: number)
        unlink(name)
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw Errno(rawValue: errno) }
        try writeAll(file.rawValue, bytes)
        return file
    }
}

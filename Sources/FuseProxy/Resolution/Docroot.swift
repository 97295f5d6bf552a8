import Glibc
package import Platform

/// The served folder, opened before the mount exists: every path is resolved from this descriptor, so that nothing mounted
/// over the folder later, this mount included, can come between. Any thread.
package final class Docroot: Sendable {
    /// The folder's canonical path, for people: nothing is resolved from it after the start.
    package let path: String
    /// The folder's device and inode number.
    package let identity: FileIdentity
    let descriptor: SharedDescriptor
    let inodeIdentity: InodeIdentity

    /// The descriptor to resolve from, valid as long as this object is held.
    package var rawDescriptor: CInt { descriptor.rawValue }

    /// Opens the folder at `path`.
    ///
    /// - Throws: ENOENT, ENOTDIR, EACCES: when it is missing, not a folder, or may not be read.
    package init(path: String) throws(Errno) {
        let canonical = try Files.canonicalPath(path)
        // Read rights are asked for here, once, so that an unreadable docroot is an error at the start.
        let opened = try Files.open(canonical, flags: O_RDONLY | O_DIRECTORY)
        inodeIdentity = try InodeStatus(opened.rawValue).identity
        self.path = canonical
        identity = inodeIdentity.file
        descriptor = SharedDescriptor(opened)
    }
}

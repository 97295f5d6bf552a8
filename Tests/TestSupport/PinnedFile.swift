import Glibc
import Platform

/// A file whose pages stay in the page cache for as long as this is held, whatever the kernel would rather reclaim: mapped,
/// and locked by mlock(2). Where DAMON reclaims (`/sys/kernel/mm/damon`), a page may be gone a millisecond after it was read.
package final class PinnedFile {
    private let mapping: FileMapping

    /// Reads the file into the page cache: its file system must answer.
    ///
    /// - Parameter path: of a file that is not empty.
    package init(_ path: String) throws {
        let file = try Files.open(path, flags: O_RDONLY)
        let byteCount = Int(try Files.status(file.rawValue).st_size)
        mapping = try FileMapping(file.rawValue, byteCount: byteCount)
        // Unlocked by munmap(2).
        guard mlock(mapping.base, byteCount) == 0 else { throw Errno(rawValue: errno) }
    }
}

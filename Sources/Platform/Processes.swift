import CKernel
import Glibc

/// Processes and what they inherit.
package enum Processes {
    /// How many threads this process has.
    package static var threadCount: Int {
        // A folder's links are itself, its name above, and one for each folder in it.
        let status = try? Files.status(AT_FDCWD, "/proc/self/task")
        return status.map { Int($0.st_nlink) - 2 } ?? 0
    }

    /// Makes a copy of this process that goes on from here (`fork(3)`). With one thread only: of several, the others would
    /// be missing in the copy, with the locks they held still held.
    ///
    /// - Returns: the child's id; 0 in the child.
    package static func fork() throws(Errno) -> CInt {
        CInt(try Errno.check(kernel_fork()))
    }

    /// A descriptor that is readable once `process`, a child, has ended (`pidfd_open(2)`); close-on-exec.
    package static func descriptor(of process: CInt) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: CInt(try Errno.check(kernel_pidfd_open(process))))
    }

    /// Closes every descriptor from `first` on, whoever owns it (`close_range(2)`).
    package static func closeAll(from first: CInt) {
        if kernel_close_range(UInt32(first), .max) >= 0 { return }
        for descriptor in first..<CInt(clamping: sysconf(CInt(_SC_OPEN_MAX))) { close(descriptor) }
    }

    /// Names the calling thread, and with the first thread the process, as `ps` and `pkill` know it; at most 15 bytes.
    package static func setName(_ name: String) {
        _ = kernel_set_thread_name(name)
    }
}

import CKernel
import Synchronization

/// Opens files so that reading them leaves their access times alone (`open(2)`, O_NOATIME), as a read-only file system does.
/// The kernel lets a process do that with its own files, or with CAP_FOWNER: from the first file on with which it may not, this
/// gives up, since trying each would cost an open. Any thread.
///
/// Under passthrough it also saves the kernel a look at the docroot's directory entry at each read.
package final class AccessTimes: Sendable {
    private let mayBePreserved = Atomic(true)

    package init() {}

    /// Calls `open` with `flags` and O_NOATIME; if that may not be, again without, as all later calls are then at once.
    package func preserving(
        _ flags: CInt, _ open: (CInt) throws(Errno) -> OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        guard mayBePreserved.load(ordering: .relaxed) else { return try open(flags) }
        do throws(Errno) {
            return try open(flags | CInt(KERNEL_O_NOATIME))
        } catch .notPermitted {
            let file = try open(flags)
            mayBePreserved.store(false, ordering: .relaxed)
            return file
        }
    }
}

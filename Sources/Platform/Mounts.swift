import CKernel
import Glibc

/// Mounting and unmounting, as root. Any thread.
package enum Mounts {
    /// A mount of `type` that is in nobody's mount table and goes with its descriptor (`fsopen(2)`, `fsmount(2)`).
    package static func makeDetached(_ type: String) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: CInt(try Errno.check(kernel_mount_detached(type))))
    }

    /// Takes a mount out of the tree, also while others use it, and makes the calls on it that are under way fail if it is
    /// FUSE's (`umount2(2)` with MNT_DETACH and MNT_FORCE).
    package static func takeAway(_ mountPoint: String) throws(Errno) {
        let flags = CInt(KERNEL_UMOUNT_NOFOLLOW) | CInt(KERNEL_MNT_DETACH) | CInt(KERNEL_MNT_FORCE)
        _ = try Errno.check(kernel_umount2(mountPoint, flags))
    }
}

import Glibc

/// A mount whose serverfs did not end as it should. Whoever touches it hangs, and a killed serverfs may itself hang in
/// its own mount, so it must not stay.
enum AbandonedMount {
    /// Whether `mountPoint` is one, as /proc/self/mountinfo has it: asking the mount itself could hang.
    static func exists(at mountPoint: String, mountInfo: String = text(ofFile: "/proc/self/mountinfo")) -> Bool {
        mountInfo.split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.count > 4 && words[4] == mountPoint && words.contains("fuse.serverfs")
        }
    }

    /// Aborts the FUSE connection (MNT_FORCE does that, and may fail with EBUSY afterwards), which frees all who wait,
    /// and takes the mount and its directory away. Needs root.
    static func remove(_ mountPoint: String) {
        _ = unsafe umount2(mountPoint, Int32(MNT_FORCE | UMOUNT_NOFOLLOW))
        if exists(at: mountPoint),
            unsafe umount2(mountPoint, Int32(MNT_DETACH | UMOUNT_NOFOLLOW)) != 0
        {
            note("the mount that serverfs left at \(mountPoint) cannot be removed: \(errorText(errno))")
            return
        }
        _ = unsafe rmdir(mountPoint)
        note("serverfs left its mount at \(mountPoint); its connection was aborted and the mount removed")
    }
}

import CFuse3

extension fuse_conn_info {
    /// Asks for what serverfs uses of what the kernel offers, for both APIs (`want` of `struct fuse_conn_info`).
    mutating func choose(for configuration: ProxyConfiguration) {
        // Requests are read whole: with splice, each would pay a pipe for bytes that are few.
        want &= ~UInt32(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE)
        if configuration.read == .splice {
            want |= capable & UInt32(FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE)
        }
        // Where the kernel opens files by itself, it would take a file to be empty once somebody has opened it with O_TRUNC
        // on a mount that was made writable: without this, it asks for the truncation, and is refused.
        want &= ~UInt32(FUSE_CAP_ATOMIC_O_TRUNC)
        want |=
            capable
            & UInt32(
                FUSE_CAP_ASYNC_READ | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS
                    | FUSE_CAP_READDIRPLUS_AUTO)
        if configuration.cache == .watched {
            // A link's target belongs to its inode: a link that is retargeted is a new one, of which the watcher tells.
            want |= capable & UInt32(FUSE_CAP_CACHE_SYMLINKS)
        }
    }
}

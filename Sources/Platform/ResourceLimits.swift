import Glibc

/// The limit on open descriptors (RLIMIT_NOFILE). Any thread, but it changes the whole process.
package enum DescriptorLimit {
    /// The soft limit.
    package static var present: UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return UInt64(limit.rlim_cur)
    }

    /// Raises the soft limit to the hard limit (`setrlimit(2)`).
    ///
    /// - Returns: the soft limit before and now; equal when there was nothing to raise.
    package static func raise() throws(Errno) -> (before: UInt64, now: UInt64) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { throw Errno.own(errno) }
        let before = UInt64(limit.rlim_cur)
        guard limit.rlim_cur < limit.rlim_max else { return (before, before) }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { throw Errno.own(errno) }
        return (before, UInt64(limit.rlim_cur))
    }
}

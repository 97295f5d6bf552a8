import CKernel
package import Glibc

/// How a path given to `openBeneath` may be resolved (`openat2(2)`, RESOLVE_ flags).
package struct PathResolution: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Never leaves the folder it starts from: not by `..`, not by a symbolic link, not by an absolute path (EXDEV).
    package static let beneath = PathResolution(rawValue: UInt64(RESOLVE_BENEATH))
    /// Never crosses into another mount, bind mounts included (EXDEV).
    package static let noMountCrossing = PathResolution(rawValue: UInt64(RESOLVE_NO_XDEV))
    /// Follows no symbolic link at all (ELOOP).
    package static let noSymbolicLinks = PathResolution(rawValue: UInt64(RESOLVE_NO_SYMLINKS))
    /// Follows none of procfs's magic links (ELOOP).
    package static let noMagicLinks = PathResolution(rawValue: UInt64(RESOLVE_NO_MAGICLINKS))
}

/// A device and inode number: what makes two names the same file, as long as one of them is held.
package struct FileIdentity: Hashable, Sendable, BitwiseCopyable {
    package var device: UInt64
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}

/// What `Files.find` looks for in a file (`lseek(2)`): the values are the kernel's, who shows them to GNU programs only.
package enum FileExtent: CInt, Sendable {
    /// Bytes that were written: SEEK_DATA.
    case data = 3
    /// A range that takes no room and reads as zeros, or the file's end: SEEK_HOLE.
    case hole = 4
}

/// File system calls, each in one wrapper: EINTR is retried, errno becomes the error. Any thread.
package enum Files {
    private static let brokenRule = "a call that may wait for the mount, on a FUSE thread or with a lock held"

    /// A descriptor that only names a file (`O_PATH`): nothing is opened, no device is touched.
    package static let pathOnly = CInt(KERNEL_O_PATH)

    /// Opens `path`, resolved from `directory` under the rules of `resolution`; always close-on-exec (`openat2(2)`).
    ///
    /// EAGAIN, which the kernel gives when a rename crosses a `..` on the way, is retried a few times.
    package static func openBeneath(
        _ directory: CInt, _ path: UnsafePointer<CChar>, flags: CInt, resolution: PathResolution
    ) throws(Errno) -> OwnedDescriptor {
        assert(ThreadRules.mayUse(directory, path), brokenRule)
        var attempts = 0
        while true {
            let result = kernel_openat2(directory, path, UInt64(flags | O_CLOEXEC), resolution.rawValue)
            if result >= 0 { return OwnedDescriptor(adopting: CInt(result)) }
            if result == -Int(EINTR) { continue }
            attempts += 1
            if result == -Int(EAGAIN), attempts < 8 { continue }
            throw Errno(rawValue: CInt(-result))
        }
    }

    /// Opens an operator's path, resolved as the shell would; always close-on-exec (`open(2)`).
    package static func open(_ path: String, flags: CInt) throws(Errno) -> OwnedDescriptor {
        assert(ThreadRules.mayUse(AT_FDCWD, path), brokenRule)
        while true {
            let result = Glibc.open(path, flags | O_CLOEXEC)
            if result >= 0 { return OwnedDescriptor(adopting: result) }
            let code = errno
            if code != EINTR { throw Errno(rawValue: code) }
        }
    }

    /// Makes a file at an operator's path, or empties the one there is; close-on-exec (`open(2)`). ENXIO for a FIFO without a
    /// reader, which it does not wait for.
    package static func create(_ path: String) throws(Errno) -> OwnedDescriptor {
        assert(ThreadRules.mayUse(AT_FDCWD, path), brokenRule)
        while true {
            let result = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0o666)
            if result >= 0 { return OwnedDescriptor(adopting: result) }
            let code = errno
            if code != EINTR { throw Errno(rawValue: code) }
        }
    }

    /// The status of an open file, or of what an `O_PATH` descriptor names (`fstat(2)`).
    package static func status(_ descriptor: CInt) throws(Errno) -> stat {
        assert(ThreadRules.mayUse(descriptor), brokenRule)
        var status = stat()
        if fstat(descriptor, &status) == 0 { return status }
        throw Errno(rawValue: errno)
    }

    /// The status of what `path` names below `directory`, symbolic links followed unless `flags` says otherwise
    /// (`fstatat(2)`).
    package static func status(
        _ directory: CInt, _ path: UnsafePointer<CChar>, flags: CInt = 0
    ) throws(Errno) -> stat {
        assert(ThreadRules.mayUse(directory, path), brokenRule)
        var status = stat()
        if fstatat(directory, path, &status, flags) == 0 { return status }
        throw Errno(rawValue: errno)
    }

    /// The status of an open file, or of what an `O_PATH` descriptor names, with its time of birth (`statx(2)`).
    ///
    /// - Returns: `birthNanoseconds` since 1970, 0 where the file system does not keep it.
    package static func statusWithBirth(
        _ descriptor: CInt
    ) throws(Errno) -> (status: stat, birthNanoseconds: Int64) {
        assert(ThreadRules.mayUse(descriptor), brokenRule)
        var result = statx()
        let flags = CInt(KERNEL_AT_EMPTY_PATH) | CInt(KERNEL_AT_NO_AUTOMOUNT)
        let mask = UInt32(STATX_BASIC_STATS) | UInt32(STATX_BTIME)
        _ = try Errno.check(kernel_statx(descriptor, "", flags, mask, &result))
        var status = stat()
        status.st_dev = dev_t(deviceNumber(major: result.stx_dev_major, minor: result.stx_dev_minor))
        status.st_ino = ino_t(result.stx_ino)
        status.st_mode = mode_t(result.stx_mode)
        status.st_nlink = nlink_t(result.stx_nlink)
        status.st_uid = result.stx_uid
        status.st_gid = result.stx_gid
        status.st_rdev = dev_t(deviceNumber(major: result.stx_rdev_major, minor: result.stx_rdev_minor))
        status.st_size = off_t(result.stx_size)
        status.st_blksize = blksize_t(result.stx_blksize)
        status.st_blocks = blkcnt_t(result.stx_blocks)
        status.st_atim = timespec(result.stx_atime)
        status.st_mtim = timespec(result.stx_mtime)
        status.st_ctim = timespec(result.stx_ctime)
        guard result.stx_mask & UInt32(STATX_BTIME) != 0 else { return (status, 0) }
        return (status, result.stx_btime.tv_sec &* 1_000_000_000 &+ Int64(result.stx_btime.tv_nsec))
    }

    /// The size in bytes of what `descriptor` names, as its file system knows it now, whatever the kernel has kept (`statx(2)`
    /// with AT_STATX_FORCE_SYNC).
    package static func presentSize(_ descriptor: CInt) throws(Errno) -> Int64 {
        var result = statx()
        let flags = CInt(KERNEL_AT_EMPTY_PATH) | CInt(KERNEL_AT_STATX_FORCE_SYNC)
        _ = try Errno.check(kernel_statx(descriptor, "", flags, UInt32(STATX_SIZE), &result))
        return Int64(result.stx_size)
    }

    /// The version of an open file as its file system knows it now, whatever the kernel has kept (`statx(2)` with
    /// AT_STATX_FORCE_SYNC).
    package static func presentVersion(_ descriptor: CInt) throws(Errno) -> ContentVersion {
        assert(ThreadRules.mayUse(descriptor), brokenRule)
        var result = statx()
        let flags = CInt(KERNEL_AT_EMPTY_PATH) | CInt(KERNEL_AT_STATX_FORCE_SYNC)
        let mask = UInt32(STATX_SIZE) | UInt32(STATX_MTIME) | UInt32(STATX_CTIME)
        _ = try Errno.check(kernel_statx(descriptor, "", flags, mask, &result))
        var status = stat()
        status.st_size = off_t(result.stx_size)
        status.st_mtim = timespec(result.stx_mtime)
        status.st_ctim = timespec(result.stx_ctime)
        return ContentVersion(status)
    }

    /// Has reads of an open file go past the pages that the kernel keeps of it (`fcntl(2)`, O_DIRECT). Of a FUSE file any part may be
    /// read into any buffer then; other file systems want both aligned.
    ///
    /// - Throws: EINVAL where the file system does not know how.
    package static func useDirectIO(_ descriptor: CInt) throws(Errno) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | CInt(KERNEL_O_DIRECT)) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    /// The device and mount of what `descriptor` names, from what the kernel knows already: a remote or FUSE file system
    /// is not asked (`statx(2)` with AT_STATX_DONT_SYNC).
    package static func cachedMount(_ descriptor: CInt) throws(Errno) -> (device: UInt64, mountID: UInt64) {
        try cachedMount(descriptor, "", flags: CInt(KERNEL_AT_EMPTY_PATH))
    }

    /// The same of what an operator's path names, without a descriptor.
    package static func cachedMount(_ path: String) throws(Errno) -> (device: UInt64, mountID: UInt64) {
        assert(ThreadRules.mayUse(AT_FDCWD, path), brokenRule)
        return try cachedMount(AT_FDCWD, path, flags: 0)
    }

    private static func cachedMount(
        _ directory: CInt, _ path: UnsafePointer<CChar>, flags: CInt
    ) throws(Errno) -> (device: UInt64, mountID: UInt64) {
        var result = statx()
        let flags = flags | CInt(KERNEL_AT_STATX_DONT_SYNC) | CInt(KERNEL_AT_NO_AUTOMOUNT)
        _ = try Errno.check(kernel_statx(directory, path, flags, UInt32(STATX_MNT_ID), &result))
        return (deviceNumber(major: result.stx_dev_major, minor: result.stx_dev_minor), result.stx_mnt_id)
    }

    /// A `dev_t` as `stat` reports it, from its two parts (`makedev(3)`).
    package static func deviceNumber(major: UInt32, minor: UInt32) -> UInt64 {
        let (major, minor) = (UInt64(major), UInt64(minor))
        return ((major & 0xffff_f000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffff_ff00) << 12) | (minor & 0xff)
    }

    /// Reads at most `buffer.count` bytes at `offset` (`pread(2)`); 0 at the end of the file.
    package static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(Errno) -> Int {
        assert(ThreadRules.mayUse(descriptor), brokenRule)
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw Errno(rawValue: code) }
        }
    }

    /// Where the first data or hole at or behind `offset` begins (`lseek(2)`). It moves the descriptor's position, which
    /// nothing here reads from.
    ///
    /// - Throws: ENXIO when `offset` is not before the file's end, or when only a hole follows and data is looked for.
    package static func find(_ extent: FileExtent, in descriptor: CInt, from offset: Int64) throws(Errno) -> Int64 {
        let found = lseek(descriptor, off_t(offset), extent.rawValue)
        if found >= 0 { return Int64(found) }
        throw Errno(rawValue: errno)
    }

    /// Reads the target of the symbolic link that the `O_PATH` descriptor names (`readlinkat(2)` with an empty path);
    /// the count of bytes, which are not NUL-terminated.
    package static func readLink(_ link: CInt, into buffer: UnsafeMutableBufferPointer<CChar>) throws(Errno) -> Int {
        assert(ThreadRules.mayUse(link), brokenRule)
        let count = readlinkat(link, "", buffer.baseAddress!, buffer.count)
        if count >= 0 { return count }
        throw Errno(rawValue: errno)
    }

    /// Reads directory records from the directory's present position (`getdents64(2)`); 0 at the end.
    package static func readDirectory(
        _ directory: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        assert(ThreadRules.mayUse(directory), brokenRule)
        return try Errno.check(kernel_getdents64(directory, buffer.baseAddress, buffer.count))
    }

    /// Moves the directory's position to a record's offset as `readDirectory` gave it, or to 0 (`lseek(2)`).
    package static func seekDirectory(_ directory: CInt, to offset: Int64) throws(Errno) {
        if lseek(directory, off_t(offset), SEEK_SET) >= 0 { return }
        throw Errno(rawValue: errno)
    }

    /// Another descriptor of the same open file (`fcntl(2)`, F_DUPFD_CLOEXEC).
    package static func duplicate(_ descriptor: CInt) throws(Errno) -> OwnedDescriptor {
        let result = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard result >= 0 else { throw Errno(rawValue: errno) }
        return OwnedDescriptor(adopting: result)
    }

    /// The absolute path of `path` with every symbolic link resolved (`realpath(3)`).
    package static func canonicalPath(_ path: String) throws(Errno) -> String {
        assert(ThreadRules.mayUse(AT_FDCWD, path), brokenRule)
        guard let resolved = realpath(path, nil) else { throw Errno(rawValue: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension timespec {
    fileprivate init(_ time: statx_timestamp) {
        self.init(tv_sec: time_t(time.tv_sec), tv_nsec: Int(time.tv_nsec))
    }
}

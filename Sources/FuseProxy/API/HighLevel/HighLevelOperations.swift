import CFuse3
import Glibc
import Platform

// The callbacks of libfuse's high-level API: paths instead of inodes, and results instead of replies.

extension fuse_operations {
    /// What serverfs answers. FLUSH, ACCESS, GETXATTR, LISTXATTR and POLL are left out on purpose, as in the low-level API.
    static func proxy(_ configuration: ProxyConfiguration) -> fuse_operations {
        var operations = fuse_operations()
        operations.`init` = highLevelInitialize
        operations.getattr = highLevelGetAttributes
        operations.readlink = highLevelReadLink
        operations.open = highLevelOpen
        if configuration.read == .splice {
            operations.read_buf = highLevelReadBuffer
        } else {
            operations.read = highLevelRead
        }
        operations.lseek = highLevelSeek
        operations.release = highLevelRelease
        operations.readdir = highLevelReadDirectory
        operations.statfs = highLevelFileSystemStatus
        operations.addModifications()
        return operations
    }

    /// Whatever would change a file is answered EROFS.
    private mutating func addModifications() {
        mknod = { _, _, _ in -EROFS }
        mkdir = { _, _ in -EROFS }
        unlink = { _ in -EROFS }
        rmdir = { _ in -EROFS }
        symlink = { _, _ in -EROFS }
        rename = { _, _, _ in -EROFS }
        link = { _, _ in -EROFS }
        chmod = { _, _, _ in -EROFS }
        chown = { _, _, _, _ in -EROFS }
        truncate = { _, _, _ in -EROFS }
        write = { _, _, _, _, _ in -EROFS }
        create = { _, _, _ in -EROFS }
        utimens = { _, _, _ in -EROFS }
        setxattr = { _, _, _, _, _ in -EROFS }
        removexattr = { _, _ in -EROFS }
        fallocate = { _, _, _, _, _ in -EROFS }
    }
}

/// The session's paths, from the context that libfuse gives each callback.
private var paths: HighLevelPaths {
    ProxySession.of(fuse_get_context().pointee.private_data).highLevelPaths!
}

/// A callback's result: 0 or more, or the negated errno.
private func result<Value: SignedInteger>(_ body: () throws(Errno) -> Value) -> Value {
    do throws(Errno) {
        return try body()
    } catch {
        return -Value(error.rawValue)
    }
}

@c private func highLevelInitialize(
    _ connection: UnsafeMutablePointer<fuse_conn_info>?, _ settings: UnsafeMutablePointer<fuse_config>?
) -> UnsafeMutableRawPointer? {
    let userData = fuse_get_context().pointee.private_data
    let session = ProxySession.of(userData)
    connection!.pointee.choose(for: session.configuration)
    // libfuse keeps the inode numbers of its own to itself; what programs see are the docroot's.
    settings!.pointee.use_ino = 1
    let timeouts = CacheTimeouts(session.configuration.cache)
    settings!.pointee.entry_timeout = timeouts.entrySeconds
    settings!.pointee.attr_timeout = timeouts.attributeSeconds
    settings!.pointee.negative_timeout = 0
    session.didInitialize()
    return userData
}

@c private func highLevelGetAttributes(
    _ path: UnsafePointer<CChar>?, _ attributes: UnsafeMutablePointer<stat>?,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) -> CInt {
    result { () throws(Errno) in
        let paths = paths
        if let information, let file = paths.file(information.pointee.fh) {
            attributes!.pointee = try paths.operations.files.withDescriptor(file.inode, handle: file.handle) {
                (descriptor) throws(Errno) in try Files.status(descriptor)
            }
            return 0
        }
        guard let path else { throw .staleNFSFileHandle }
        attributes!.pointee = try paths.withInode(path) { (inode, entry) throws(Errno) in
            if let entry { return entry.attributes }
            return try paths.operations.attributes(inode).attributes
        }
        return 0
    }
}

@c private func highLevelReadLink(
    _ path: UnsafePointer<CChar>?, _ target: UnsafeMutablePointer<CChar>?, _ size: Int
) -> CInt {
    result { () throws(Errno) in
        try paths.withInode(path!) { (inode, _) throws(Errno) in
            // One byte is kept for the NUL; a longer target is cut, as the API has it.
            let room = UnsafeMutableBufferPointer(start: target, count: size - 1)
            target![try paths.operations.readLink(inode, into: room)] = 0
        }
        return 0
    }
}

@c private func highLevelOpen(
    _ path: UnsafePointer<CChar>?, _ information: UnsafeMutablePointer<fuse_file_info>?
) -> CInt {
    result { () throws(Errno) in
        let thread = ProxyThread.current
        var (reply, handle) = try paths.open(path!, flags: information!.pointee.flags, channel: thread.channel)
        information!.pointee.fh = handle
        reply.handle = handle
        // libfuse wraps the handle no further: the kernel's structure is put in place of libfuse's as it is sent.
        thread.pendingOpenReply = reply
        return 0
    }
}

@c private func highLevelRelease(
    _ path: UnsafePointer<CChar>?, _ information: UnsafeMutablePointer<fuse_file_info>?
) -> CInt {
    paths.release(information!.pointee.fh, channel: ProxyThread.current.channel)
    return 0
}

@c private func highLevelRead(
    _ path: UnsafePointer<CChar>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ offset: off_t,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) -> CInt {
    result { () throws(Errno) in
        let paths = paths
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: size)
        let count = try paths.withDescriptor(path, handle: information!.pointee.fh) { (inode, file) throws(Errno) in
            guard paths.configuration.read == .mmap else {
                return try CopyReader.read(file, into: room, at: Int64(offset))
            }
            return try paths.operations.mappings.read(inode, file, into: room, at: Int64(offset))
        }
        ProxyThread.current.counters.add(.readBytes, UInt64(count))
        return CInt(count)
    }
}

/// READ for the `splice` strategy: libfuse is given a descriptor, and frees the vector.
@c private func highLevelReadBuffer(
    _ path: UnsafePointer<CChar>?, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<fuse_bufvec>?>?, _ size: Int,
    _ offset: off_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) -> CInt {
    result { () throws(Errno) in
        let thread = ProxyThread.current
        let (file, count) = try paths.withDescriptor(path, handle: information!.pointee.fh) {
            (_, file) throws(Errno) in
            let available = max(Int64(try Files.status(file).st_size) - Int64(offset), 0)
            // The reply is made after this callback: the descriptor that it is made from must be ours until then.
            return (SharedDescriptor(try Files.duplicate(file)), Int(min(Int64(size), available)))
        }
        thread.heldDescriptor = file
        guard let made = malloc(MemoryLayout<fuse_bufvec>.size)?.bindMemory(to: fuse_bufvec.self, capacity: 1) else {
            throw .noMemory
        }
        made.initialize(to: fuse_bufvec())
        made.pointee.count = 1
        made.pointee.buf.size = count
        made.pointee.buf.flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
        made.pointee.buf.fd = file.rawValue
        made.pointee.buf.pos = offset
        vector!.pointee = made
        thread.counters.add(.readBytes, UInt64(count))
        return 0
    }
}

@c private func highLevelSeek(
    _ path: UnsafePointer<CChar>?, _ offset: off_t, _ whence: CInt, _ information: UnsafeMutablePointer<fuse_file_info>?
) -> off_t {
    result { () throws(Errno) in
        let paths = paths
        return try paths.withFile(path, handle: information!.pointee.fh) { (file) throws(Errno) in
            off_t(
                try paths.operations.seek(file.inode, handle: file.handle, from: Int64(offset), whence: whence))
        }
    }
}

@c private func highLevelReadDirectory(
    _ path: UnsafePointer<CChar>?, _ buffer: UnsafeMutableRawPointer?, _ fill: fuse_fill_dir_t?, _ offset: off_t,
    _ information: UnsafeMutablePointer<fuse_file_info>?, _ flags: fuse_readdir_flags
) -> CInt {
    result { () throws(Errno) in
        let paths = paths
        let withAttributes = flags.rawValue & FUSE_READDIR_PLUS.rawValue != 0
        let space = ProxyThread.current.buffer
        try paths.withInode(path!) { (inode, _) throws(Errno) in
            let directory = try paths.operations.makeOpenDirectory(inode)
            let records = UnsafeMutableRawBufferPointer(rebasing: space[..<(withAttributes ? 4096 : 16384)])
            let count = try directory.read(from: Int64(offset), into: records)
            var pending = DirectoryRecords(bytes: UnsafeRawBufferPointer(rebasing: records[..<count]))
            while let record = pending.next() {
                var attributes = stat()
                attributes.st_ino = ino_t(record.inode)
                attributes.st_mode = mode_t(record.type) << 12
                var fillFlags = fuse_fill_dir_flags(0)
                if withAttributes, let name = ComponentName(record.name),
                    let entry = try? paths.operations.lookup(in: directory, name: name)
                {
                    attributes = entry.attributes
                    fillFlags = FUSE_FILL_DIR_PLUS
                    paths.operations.forget(entry.inode, lookups: 1)
                }
                if fill!(buffer, record.name, &attributes, off_t(record.nextOffset), fillFlags) != 0 { break }
            }
        }
        return 0
    }
}

@c private func highLevelFileSystemStatus(
    _ path: UnsafePointer<CChar>?, _ status: UnsafeMutablePointer<statvfs>?
) -> CInt {
    result { () throws(Errno) in
        status!.pointee = try paths.operations.fileSystemStatus()
        return 0
    }
}

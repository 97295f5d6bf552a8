import CFuse3
import CKernel
import Glibc
import Platform
import Telemetry

// READ, by the read strategy in effect.

@c func lowLevelRead(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    let inode = InodeNumber(rawValue: UInt64(inode))
    let handle = information!.pointee.fh
    let count = min(size, ProxyThread.bufferBytes)
    // What the kernel keeps it reads in whole pages. Who goes past that wants to see the file as it is at one moment.
    let isDirect =
        information!.pointee.flags & CInt(KERNEL_O_DIRECT) != 0
        && (count | Int(offset)) % SizeDoubts.pageBytes != 0
    let strategy = isDirect ? .copy : request.operations.reads
    switch strategy {
    case .copy: replyCopied(request, inode, handle, count: count, offset: Int64(offset), isDirect: isDirect)
    case .splice: replySpliced(request, inode, handle, count: count, offset: Int64(offset))
    case .mmap: replyMapped(request, inode, handle, count: count, offset: Int64(offset))
    }
}

private func replyCopied(
    _ request: consuming FuseRequest, _ inode: InodeNumber, _ handle: UInt64, count: Int, offset: Int64,
    isDirect: Bool = false
) {
    let thread = request.thread
    let operations = request.operations
    let buffer = UnsafeMutableRawBufferPointer(rebasing: thread.buffer[..<count])
    do throws(Errno) {
        let read = try operations.files.withDescriptor(inode, handle: handle) { (file) throws(Errno) in
            guard !isDirect else { return try CopyReader.read(file, into: buffer, at: offset, isWholeOnly: true) }
            return try operations.readChecked(inode, file, offset: offset, count: count) { () throws(Errno) in
                try CopyReader.read(file, into: buffer, at: offset)
            }
        }
        thread.counters.add(.readBytes, UInt64(read))
        request.reply(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
    } catch {
        request.reply(error)
    }
}

private func replySpliced(
    _ request: consuming FuseRequest, _ inode: InodeNumber, _ handle: UInt64, count: Int, offset: Int64
) {
    let thread = request.thread
    let operations = request.operations
    // The reply is made while the descriptor is sure to be open; an error leaves it to be made below.
    var pending: FuseRequest? = request
    do throws(Errno) {
        try operations.files.withDescriptor(inode, handle: handle) { (file) throws(Errno) in
            let length = try operations.readChecked(inode, file, offset: offset, count: count) { () throws(Errno) in
                try bytesAvailable(file, count: count, offset: offset)
            }
            thread.counters.add(.readBytes, UInt64(length))
            pending.take()!.reply(splicing: file, at: offset, count: length)
        }
    } catch {
        pending.take()!.reply(error)
    }
}

private func replyMapped(
    _ request: consuming FuseRequest, _ inode: InodeNumber, _ handle: UInt64, count: Int, offset: Int64
) {
    let thread = request.thread
    let operations = request.operations
    let windowBytes = Int64(MappingCache.windowBytes)
    let start = Int(offset % windowBytes)
    // READs are aligned to pages and at most 1 MiB: one that crosses a window's end is rare, and copied.
    guard start + count <= MappingCache.windowBytes else {
        return replyCopied(request, inode, handle, count: count, offset: offset)
    }
    var pending: FuseRequest? = request
    do throws(Errno) {
        try operations.files.withDescriptor(inode, handle: handle) { (file) throws(Errno) in
            let length = try operations.readChecked(inode, file, offset: offset, count: count) { () throws(Errno) in
                try bytesAvailable(file, count: count, offset: offset)
            }
            let mapping = try? operations.mappings.mapping(of: inode, window: offset / windowBytes, descriptor: file)
            // A file that cannot be mapped, or has been cut short since its size was asked for, is read instead.
            guard let mapping, mapping.populate(start, count: length) else {
                thread.dropEarlyAnswer()
                return replyCopied(pending.take()!, inode, handle, count: count, offset: offset)
            }
            thread.counters.add(.readBytes, UInt64(length))
            pending.take()!.reply(UnsafeRawBufferPointer(start: mapping.base + start, count: length))
            withExtendedLifetime(mapping) {}
        }
    } catch {
        pending.take()!.reply(error)
    }
}

/// How many of `count` bytes at `offset` the file has: a pipe or a mapping does not tell where it ends.
private func bytesAvailable(_ file: CInt, count: Int, offset: Int64) throws(Errno) -> Int {
    Int(min(Int64(count), max(Int64(try Files.status(file).st_size) - offset, 0)))
}

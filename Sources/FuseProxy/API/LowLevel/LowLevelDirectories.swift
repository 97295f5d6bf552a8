import CFuse3
import Glibc
import Platform
import Telemetry

// The directory callbacks of libfuse's low-level API.

@c func lowLevelOpenDirectory(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    do throws(Errno) {
        let inode = InodeNumber(rawValue: UInt64(inode))
        let handle = try request.operations.openDirectory(inode)
        let mayKeepList = request.operations.rules.mayKeepList(inode)
        request.reply(openDirectory: handle, mayKeepList: mayKeepList)
    } catch {
        request.reply(error)
    }
}

@c func lowLevelReadDirectory(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    let inode = InodeNumber(rawValue: UInt64(inode))
    replyDirectory(request, inode, information!.pointee.fh, size: size, offset: Int64(offset), withAttributes: false)
}

@c func lowLevelReadDirectoryPlus(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    let inode = InodeNumber(rawValue: UInt64(inode))
    replyDirectory(request, inode, information!.pointee.fh, size: size, offset: Int64(offset), withAttributes: true)
}

@c func lowLevelReleaseDirectory(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    request.operations.releaseDirectory(information!.pointee.fh)
    request.replyDone()
}

/// Answers READDIR, or READDIRPLUS when `withAttributes`, with as many records as fit, in the docroot's own order.
private func replyDirectory(
    _ request: consuming FuseRequest, _ inode: InodeNumber, _ handle: UInt64, size: Int, offset: Int64,
    withAttributes: Bool
) {
    // The buffer's first part takes the reply, the second the docroot's records. A record with attributes is about four
    // times as long as one without: reading no more than fits saves reading the rest again.
    let half = ProxyThread.bufferBytes / 2
    let reply = UnsafeMutableRawBufferPointer(rebasing: request.thread.buffer[..<min(size, half)])
    let recordBytes = max(min(reply.count, 64 * 1024) / (withAttributes ? 4 : 1), 1024)
    let records = UnsafeMutableRawBufferPointer(rebasing: request.thread.buffer[half..<(half + recordBytes)])
    do throws(Errno) {
        let directory = try request.operations.directory(inode, handle: handle)
        let count = try directory.read(from: offset, into: records)
        var filled = 0
        var pending = DirectoryRecords(bytes: UnsafeRawBufferPointer(rebasing: records[..<count]))
        var lookups: [InodeNumber] = []
        while let record = pending.next() {
            let room = UnsafeMutableRawBufferPointer(rebasing: reply[filled...])
            let needed =
                withAttributes
                ? addPlus(request, record, of: directory, into: room, lookups: &lookups)
                : add(request, record, into: room)
            if needed > room.count { break }
            filled += needed
        }
        let operations = request.operations
        if !request.reply(UnsafeRawBufferPointer(rebasing: reply[..<filled])) {
            for inode in lookups { operations.forget(inode, lookups: 1) }
        }
    } catch {
        request.reply(error)
    }
}

private func add(
    _ request: borrowing FuseRequest, _ record: DirectoryRecord, into room: UnsafeMutableRawBufferPointer
) -> Int {
    var attributes = stat()
    attributes.st_ino = ino_t(record.inode)
    attributes.st_mode = mode_t(record.type) << 12
    return request.addDirectoryEntry(record.name, attributes: &attributes, offset: record.nextOffset, into: room)
}

/// Adds a record with what a lookup of its name gives. `.` and `..`, and names that cannot be looked up (any more), are
/// listed without: the kernel then looks them up when somebody asks.
private func addPlus(
    _ request: borrowing FuseRequest, _ record: DirectoryRecord, of directory: OpenDirectory,
    into room: UnsafeMutableRawBufferPointer, lookups: inout [InodeNumber]
) -> Int {
    var parameters = fuse_entry_param()
    // Whether it fits is asked before the lookup, because a lookup that the kernel never sees must be taken back.
    let needed = request.addDirectoryEntryPlus(
        record.name, parameters: &parameters, offset: record.nextOffset, into: .init(start: nil, count: 0))
    guard needed <= room.count else { return needed }
    parameters.attr.st_ino = ino_t(record.inode)
    parameters.attr.st_mode = mode_t(record.type) << 12
    if let name = ComponentName(record.name),
        let entry = try? request.operations.lookup(in: directory, name: name)
    {
        parameters = fuse_entry_param(entry)
        lookups.append(entry.inode)
    }
    return request.addDirectoryEntryPlus(
        record.name, parameters: &parameters, offset: record.nextOffset, into: room)
}

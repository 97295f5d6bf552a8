import CFuse3
import Glibc
import Platform
import Telemetry

// The callbacks of libfuse's low-level API. Each decodes its arguments, calls one method of `ProxyOperations`, and replies.

extension fuse_lowlevel_ops {
    /// What serverfs answers. FLUSH, ACCESS, GETXATTR, LISTXATTR and POLL are left out on purpose: libfuse answers
    /// ENOSYS, and the kernel never asks again.
    static func proxy() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        operations.`init` = lowLevelInitialize
        operations.lookup = lowLevelLookup
        operations.forget = lowLevelForget
        operations.forget_multi = lowLevelForgetMulti
        operations.getattr = lowLevelGetAttributes
        operations.readlink = lowLevelReadLink
        operations.opendir = lowLevelOpenDirectory
        operations.readdir = lowLevelReadDirectory
        operations.readdirplus = lowLevelReadDirectoryPlus
        operations.releasedir = lowLevelReleaseDirectory
        operations.open = lowLevelOpen
        operations.read = lowLevelRead
        operations.lseek = lowLevelSeek
        operations.release = lowLevelRelease
        operations.statfs = lowLevelFileSystemStatus
        operations.addModifications()
        return operations
    }
}

@c private func lowLevelInitialize(
    _ userData: UnsafeMutableRawPointer?, _ connection: UnsafeMutablePointer<fuse_conn_info>?
) {
    let session = ProxySession.of(userData)
    connection!.pointee.choose(for: session.configuration)
    session.didInitialize()
}

@c private func lowLevelLookup(_ request: fuse_req_t?, _ parent: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
    let request = FuseRequest(request)
    guard let name = ComponentName(name!) else {
        let isTooLong = strlen(name!) > ComponentName.byteCountMax
        return request.reply(isTooLong ? .fileNameTooLong : .invalidArgument)
    }
    let parent = InodeNumber(rawValue: UInt64(parent))
    do throws(Errno) {
        let entry = try request.operations.lookup(parent: parent, name: name)
        request.reply(entry)
    } catch {
        let seconds = request.operations.rules.negativeSeconds(parent: parent)
        if error == .noSuchFileOrDirectory, seconds > 0 {
            request.replyNoEntry(seconds: seconds)
        } else {
            request.reply(error)
        }
    }
}

@c private func lowLevelForget(_ request: fuse_req_t?, _ inode: fuse_ino_t, _ lookups: UInt64) {
    let request = FuseRequest(request)
    request.operations.forget(InodeNumber(rawValue: UInt64(inode)), lookups: lookups)
    request.replyNone()
}

@c private func lowLevelForgetMulti(
    _ request: fuse_req_t?, _ count: Int, _ forgets: UnsafeMutablePointer<fuse_forget_data>?
) {
    let request = FuseRequest(request)
    for forget in UnsafeBufferPointer(start: forgets, count: count) {
        request.operations.forget(InodeNumber(rawValue: UInt64(forget.ino)), lookups: forget.nlookup)
    }
    request.replyNone()
}

@c private func lowLevelGetAttributes(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    do throws(Errno) {
        let answer = try request.operations.attributes(InodeNumber(rawValue: UInt64(inode)))
        request.reply(answer.attributes, seconds: answer.timeouts.attributeSeconds)
    } catch {
        request.reply(error)
    }
}

@c private func lowLevelReadLink(_ request: fuse_req_t?, _ inode: fuse_ino_t) {
    let request = FuseRequest(request)
    let buffer = request.thread.buffer.bindMemory(to: CChar.self)
    do throws(Errno) {
        // One byte is kept for the NUL; a target is at most PATH_MAX - 1 bytes.
        let room = UnsafeMutableBufferPointer(rebasing: buffer[..<Int(PATH_MAX)])
        let count = try request.operations.readLink(InodeNumber(rawValue: UInt64(inode)), into: room)
        buffer[count] = 0
        request.reply(linkTarget: buffer.baseAddress!)
    } catch {
        request.reply(error)
    }
}

@c private func lowLevelOpen(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    let inode = InodeNumber(rawValue: UInt64(inode))
    do throws(Errno) {
        let reply = try request.operations.open(
            inode, flags: information!.pointee.flags, channel: request.thread.channel)
        request.reply(reply, of: inode)
    } catch {
        request.reply(error)
    }
}

@c private func lowLevelRelease(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    request.operations.release(
        InodeNumber(rawValue: UInt64(inode)), handle: information!.pointee.fh, channel: request.thread.channel)
    request.replyDone()
}

@c private func lowLevelSeek(
    _ request: fuse_req_t?, _ inode: fuse_ino_t, _ offset: off_t, _ whence: CInt,
    _ information: UnsafeMutablePointer<fuse_file_info>?
) {
    let request = FuseRequest(request)
    do throws(Errno) {
        let found = try request.operations.seek(
            InodeNumber(rawValue: UInt64(inode)), handle: information!.pointee.fh, from: Int64(offset), whence: whence)
        request.reply(offset: found)
    } catch {
        request.reply(error)
    }
}

@c private func lowLevelFileSystemStatus(_ request: fuse_req_t?, _ inode: fuse_ino_t) {
    let request = FuseRequest(request)
    do throws(Errno) {
        let status = try request.operations.fileSystemStatus()
        request.reply(status)
    } catch {
        request.reply(error)
    }
}

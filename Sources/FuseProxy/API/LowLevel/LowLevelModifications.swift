import CFuse3
import Glibc
import Platform
import Telemetry

// Whatever would change a file is answered EROFS. The mount is read-only, so the kernel refuses before it asks; these
// answers hold should somebody remount it writable.

extension fuse_lowlevel_ops {
    mutating func addModifications() {
        mknod = { request, _, _, _, _ in refuseModification(request) }
        mkdir = { request, _, _, _ in refuseModification(request) }
        unlink = { request, _, _ in refuseModification(request) }
        rmdir = { request, _, _ in refuseModification(request) }
        symlink = { request, _, _, _ in refuseModification(request) }
        rename = { request, _, _, _, _, _ in refuseModification(request) }
        link = { request, _, _, _ in refuseModification(request) }
        create = { request, _, _, _, _ in refuseModification(request) }
        write = { request, _, _, _, _, _ in refuseModification(request) }
        setattr = { request, _, _, _, _ in refuseModification(request) }
        setxattr = { request, _, _, _, _, _ in refuseModification(request) }
        removexattr = { request, _, _ in refuseModification(request) }
        fallocate = { request, _, _, _, _, _ in refuseModification(request) }
        copy_file_range = { request, _, _, _, _, _, _, _, _ in refuseModification(request) }
    }
}

private func refuseModification(_ request: fuse_req_t?) {
    FuseRequest(request).reply(.readOnlyFileSystem)
}

import Glibc

/// The options of the mount, as libfuse's `-o` takes them.
struct MountOptions {
    /// Always: read-only (otherwise each read would spoil the cached access time, and the next fstat costs a GETATTR), no
    /// set-user-id programs, no devices, and the kernel checks permissions from the attributes it is given.
    static let always = "ro,nosuid,nodev,noatime,default_permissions,subtype=serverfs"

    /// Whether other users may enter the mount: root may always allow it, others where /etc/fuse.conf says so.
    let allowsOtherUsers: Bool
    let text: String

    init(docrootPath: String) {
        allowsOtherUsers = geteuid() == 0 || Self.isOtherUsersAllowedToAll
        let source = docrootPath.replacing("\\", with: "\\\\").replacing(",", with: "\\,")
        text = "\(Self.always),fsname=\(source)" + (allowsOtherUsers ? ",allow_other" : "")
    }

    private static var isOtherUsersAllowedToAll: Bool {
        guard let file = fopen("/etc/fuse.conf", "re") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.split(whereSeparator: \.isWhitespace).first == "user_allow_other" { return true }
        }
        return false
    }
}

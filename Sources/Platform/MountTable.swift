/// One line of /proc/self/mountinfo (`proc_pid_mountinfo(5)`).
package struct MountEntry: Sendable, Equatable {
    package var mountID: UInt64
    /// The file system's device number, as `stat` reports it.
    package var device: UInt64
    package var mountPoint: String
    package var fileSystemType: String
    package var source: String

    /// Whether a user-space process answers for this file system, so that entering it may wait for that process.
    package var isFuse: Bool {
        fileSystemType == "fuse" || fileSystemType == "fuseblk" || fileSystemType.hasPrefix("fuse.")
    }
}

/// The mounts this process sees. Any thread; reading it asks no file system.
package enum MountTable {
    /// All mounts, in the kernel's order: the last of several at one mount point is the one on top.
    package static func read() throws(Errno) -> [MountEntry] {
        let file = try Files.open("/proc/self/mountinfo", flags: 0)
        var text: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try Files.read(file.rawValue, into: chunk, at: Int64(text.count))
            if count == 0 { break }
            text += chunk[..<count]
        }
        return parse(String(decoding: text, as: UTF8.self))
    }

    /// The mount on top at `mountPoint`, an absolute canonical path; nil when nothing is mounted there.
    package static func entry(at mountPoint: String) throws(Errno) -> MountEntry? {
        try read().last { $0.mountPoint == mountPoint }
    }

    /// Parses the text of mountinfo; a line that is not understood is left out.
    package static func parse(_ text: String) -> [MountEntry] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 6, let separator = fields.dropFirst(6).firstIndex(of: "-"),
                fields.count > separator + 2, let mountID = UInt64(fields[0])
            else { return nil }
            let device = fields[2].split(separator: ":").compactMap { UInt32($0) }
            guard device.count == 2 else { return nil }
            return MountEntry(
                mountID: mountID,
                device: Files.deviceNumber(major: device[0], minor: device[1]),
                mountPoint: unescape(fields[4]),
                fileSystemType: String(fields[separator + 1]),
                source: unescape(fields[separator + 2]))
        }
    }

    /// Undoes mountinfo's escapes: a space, tab, newline or backslash is written as a backslash and three octal digits.
    private static func unescape(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

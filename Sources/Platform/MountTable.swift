/// One line of /proc/self/mountinfo (`proc_pid_mountinfo(5)`).
package struct MountEntry: Sendable, Equatable {
    package var mountID: UInt64
    /// The file system's device number, as `stat` reports it.
    package var device: UInt64
    package var mountPoint: String
    package var fileSystemType: String
    package var source: String

    package init(mountID: UInt64, device: UInt64, mountPoint: String, fileSystemType: String, source: String) {
        self.mountID = mountID
        self.device = device
        self.mountPoint = mountPoint
        self.fileSystemType = fileSystemType
        self.source = source
    }

    /// Whether a user-space process answers for this file system, so that entering it may wait for that process.
    package var isFuse: Bool {
        fileSystemType == "fuse" || fileSystemType == "fuseblk" || fileSystemType.hasPrefix("fuse.")
    }

    /// Whether the file system keeps its files itself, on a device or in memory: entering it never waits for another file
    /// system, as it may with FUSE, with a network's, and with those that are stacked on others (overlay, ecryptfs).
    package var isSelfContained: Bool { Self.selfContainedTypes.contains(fileSystemType) }

    private static let selfContainedTypes: Set<String> = [
        "bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfsplus", "iso9660", "jfs",
        "nilfs2", "ntfs3", "proc", "ramfs", "reiserfs", "squashfs", "sysfs", "tmpfs", "udf", "vfat", "xfs", "zfs",
    ]
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
        return parse(text)
    }

    /// A descriptor on which a change of the mount table is an exceptional condition, POLLPRI (`proc_pid_mounts(5)`).
    package static func openForChanges() throws(Errno) -> SharedDescriptor {
        SharedDescriptor(try Files.open("/proc/self/mountinfo", flags: 0))
    }

    /// The mount on top at `mountPoint`, an absolute canonical path; nil when nothing is mounted there.
    package static func entry(at mountPoint: String) throws(Errno) -> MountEntry? {
        // Compared as bytes: two paths that look the same are two.
        try read().last { $0.mountPoint.utf8.elementsEqual(mountPoint.utf8) }
    }

    /// The device of what `descriptor` names, if it lies on a file system that keeps its files itself.
    /// Not where they are made up, as in /proc and /sys: nobody keeps those.
    package static func selfContainedDevice(_ descriptor: CInt) -> UInt64? {
        guard let mount = try? Files.cachedMount(descriptor),
            let entry = (try? read())?.last(where: { $0.mountID == mount.mountID }), entry.isSelfContained,
            !["proc", "sysfs"].contains(entry.fileSystemType)
        else { return nil }
        return mount.device
    }

    /// Parses the text of mountinfo; a line that is not understood is left out. Bytes, not characters: a path may hold
    /// any, and some join with the space behind them.
    package static func parse(_ text: [UInt8]) -> [MountEntry] {
        text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard fields.count >= 6, let separator = fields.dropFirst(6).firstIndex(of: [UInt8(ascii: "-")]),
                fields.count > separator + 2, let mountID = UInt64(string(fields[0]))
            else { return nil }
            let device = fields[2].split(separator: UInt8(ascii: ":")).compactMap { UInt32(string($0)) }
            guard device.count == 2 else { return nil }
            return MountEntry(
                mountID: mountID,
                device: Files.deviceNumber(major: device[0], minor: device[1]),
                mountPoint: unescape(fields[4]),
                fileSystemType: string(fields[separator + 1]),
                source: unescape(fields[separator + 2]))
        }
    }

    private static func string(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: Array(bytes), as: UTF8.self)
    }

    /// Undoes mountinfo's escapes: a space, tab, newline or backslash is written as a backslash and three octal digits.
    private static func unescape(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let value = UInt8(string(rest.prefix(3)), radix: 8) {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return string(bytes)
    }
}

import Glibc
import Platform

/// A docroot with one of everything that a file can be; made once, and changed by nobody.
struct DifferentialTree {
    let folder: PrivateFolder
    var path: String { "\(folder.path)/docroot" }

    static let sparseBytes: Int64 = (5 << 30) + 77
    /// Where the sparse file has data: not at its start, over 2 and 4 GiB, where 32-bit numbers end, and near its end.
    static let islands: [Range<Int64>] = [
        65_536..<70_000, (1 << 31) - 5000..<(1 << 31) + 5000, (1 << 32) - 70_001..<(1 << 32) + 3,
        (5 << 30) - 20_000..<(5 << 30),
    ]
    /// Regular files with their sizes; the sparse one is apart.
    static let sizes = [0, 1, 4095, 4096, 4097, 26_400, 131_071, 131_073, (1 << 20) + 1, 3_000_001]
    /// How many symbolic links a path may lead through (path_resolution(7)).
    static let linksMax = 40

    init() throws {
        folder = try PrivateFolder()
        _ = try folder.makeFolder("docroot")
        try makeNames()
        for size in Self.sizes { try folder.write("docroot/\(size)", RandomBytes.make(size, from: size)) }
        try makeSparse()
        try makeLinks()
        try makeOthers()
        try settle()
    }

    /// One file for each byte that may be a name, and the longest names.
    private func makeNames() throws {
        let names = try Array(folder.makeFolder("docroot/names").utf8) + [UInt8(ascii: "/")]
        for byte in UInt8(1)...255 where byte != UInt8(ascii: "/") && byte != UInt8(ascii: ".") {
            try writeFile(names + [byte], [byte])
        }
        try writeFile(names + [UInt8](repeating: 0xff, count: 255), [1])
        try withPath(names + [UInt8](repeating: UInt8(ascii: "%"), count: 255)) { mkdir($0, 0o711) }
    }

    private func makeSparse() throws {
        let file = try Files.open(folder.write("docroot/sparse", ""), flags: O_WRONLY)
        guard ftruncate(file.rawValue, off_t(Self.sparseBytes)) == 0 else { throw Errno(rawValue: errno) }
        for island in Self.islands {
            lseek(file.rawValue, off_t(island.lowerBound), SEEK_SET)
            try writeAll(file.rawValue, RandomBytes.make(island.count, from: Int(island.lowerBound % 1_000_003)))
        }
    }

    private func makeLinks() throws {
        symlink("26400", "\(path)/link")
        symlink("nowhere", "\(path)/dangling")
        symlink("loop", "\(path)/loop")
        symlink(String(repeating: "x/", count: 2047), "\(path)/long-link")
        symlink("1", "\(path)/chain-1")
        for number in 2...(Self.linksMax + 1) { symlink("chain-\(number - 1)", "\(path)/chain-\(number)") }
        for name in ["hard", "names/hard"] { link("\(path)/26400", "\(path)/\(name)") }
    }

    private func makeOthers() throws {
        mkfifo("\(path)/fifo", 0o640)
        // The umask does not apply to chmod.
        for (name, mode) in [("set-user-id", 0o4755), ("unreadable", 0), ("private", 0o600)] as [(String, mode_t)] {
            try folder.write("docroot/\(name)", name)
            chmod("\(path)/\(name)", mode)
        }
        _ = try folder.makeFolder("docroot/sticky")
        chmod("\(path)/sticky", 0o1777)
        guard Capability.isRoot else { return }
        try folder.write("docroot/owned", "owned")
        chown("\(path)/owned", User.nobodyID, 4_000_000_000)
        mknod("\(path)/socket", S_IFSOCK | 0o600, 0)
        mknod("\(path)/null", S_IFCHR | 0o666, dev_t(Files.deviceNumber(major: 1, minor: 3)))
        mknod("\(path)/block", S_IFBLK | 0o600, dev_t(Files.deviceNumber(major: 259, minor: 70_000)))
    }

    /// Lets all figures come to rest: blocks are counted for good once they are written, and a time of access behind all
    /// others is not moved by reading (relatime). Each file gets other times, also before 1970 and after 2038.
    private func settle() throws {
        sync()
        var number = 0
        for relative in try [TreePath([])] + all() {
            let access = timespec(tv_sec: 4_102_444_800 + number, tv_nsec: 1_000_003 * (number % 900))
            let modification = timespec(
                tv_sec: 12_345_679 * (number % 400) - 1_000_000_000, tv_nsec: 999_999_999 - number)
            var times = [access, modification]
            try withPath(relative.absolute(in: path)) { utimensat(AT_FDCWD, $0, &times, AT_SYMLINK_NOFOLLOW) }
            number += 1
        }
    }

    /// All paths below the docroot.
    func all() throws -> [TreePath] { try Self.all(below: path).map(\.0) }

    /// All paths below `root`, each folder's in its own order.
    static func all(below root: String) throws -> [(TreePath, ListedName)] {
        var found: [(TreePath, ListedName)] = []
        var folders: [TreePath?] = [nil]
        while let folder = folders.popLast() {
            for entry in try list(folder?.absolute(in: root) ?? Array(root.utf8)) {
                let path = folder.map { $0 / entry.name } ?? entry.name
                found.append((path, entry))
                if entry.type == 4 { folders.append(path) }
            }
        }
        return found
    }
}

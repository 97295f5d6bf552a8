import Glibc
import Platform

/// A docroot and the mount of it by `serverfs mount`, for tests that ask the same of both. A mount that does not answer in
/// time is cut, so that a test of it fails and does not hang.
final class MountedDocroot: Sendable {
    let docroot: String
    let mountPoint: String
    let server: ServerProcess
    private let folder: PrivateFolder
    private let isDone = SharedFlag()
    private let guardian: ClientThreads

    /// The docroot first.
    var sides: [String] { [docroot, mountPoint] }

    /// - Parameters:
    ///   - prefix: a program that runs serverfs, with its arguments.
    ///   - seconds: for everything that is asked of the mount.
    init(
        _ docroot: String, _ options: [String] = [], prefix: [String] = [], cutAfterSeconds seconds: Double = 30
    ) throws {
        self.docroot = docroot
        folder = try PrivateFolder()
        mountPoint = try folder.makeFolder("mount")
        if prefix.starts(with: User.nobody.prefix) { chown(mountPoint, User.nobodyID, User.nobodyID) }
        server = try ServerProcess(["mount", docroot, mountPoint] + options, prefix: prefix)
        let device = try MountTable.entry(at: mountPoint)?.device
        guardian = try ClientThreads(1) { [isDone] _ in
            let deadline = Deadline(seconds: seconds)
            while !isDone.isSet {
                if deadline.hasPassed {
                    if let device { _ = FuseConnection.abort(device: device) }
                    return
                }
                usleep(10_000)
            }
        }
    }

    deinit {
        isDone.set()
        try? guardian.join()
    }
}

/// The errno of a call that returns less than 0 when it fails; 0 when it does not.
func failure(_ call: () -> some BinaryInteger) -> CInt {
    let result = call()
    return result < 0 ? errno : 0
}

/// A child's name, number and type as a folder lists it.
struct ListedName: Hashable, Sendable {
    var name: TreePath
    var inode: UInt64
    var type: UInt8
}

/// What the folder at `path` lists, in its order, without `.` and `..` (`readdir(3)`).
func list(_ path: [UInt8]) throws(Errno) -> [ListedName] {
    let text = path.map { CChar(bitPattern: $0) } + [0]
    guard let folder = opendir(text) else { throw Errno(rawValue: errno) }
    defer { closedir(folder) }
    var names: [ListedName] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { TreePath($0.prefix { $0 != 0 }) }
        if name == "." || name == ".." { continue }
        names.append(ListedName(name: name, inode: UInt64(entry.pointee.d_ino), type: entry.pointee.d_type))
    }
    return names
}

/// All that `statx(2)` tells of a file and that can be the same in two file systems; what a symbolic link points to, too.
struct FileFacts: Equatable {
    var mode: mode_t
    var links: nlink_t
    var owner: [UInt32]
    var inode: UInt64
    var device: UInt64
    var size: Int64
    var blocks: Int64
    var blockSize: Int
    /// Of access, modification and status change, in seconds and nanoseconds.
    var times: [Int]
    var target: [UInt8]?

    /// - Returns: the facts of what `path` names itself, and its time of birth, 0 where that is not shown.
    static func of(_ path: [UInt8]) throws(Errno) -> (facts: FileFacts, birthNanoseconds: Int64) {
        let number = try withPath(path) { open($0, Files.pathOnly | O_NOFOLLOW | O_CLOEXEC) }
        let file = OwnedDescriptor(adopting: number)
        let (status, birth) = try Files.statusWithBirth(file.rawValue)
        var target: [UInt8]?
        if status.st_mode & S_IFMT == S_IFLNK {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let room = bytes.count
            let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(Errno) in
                try Files.readLink(file.rawValue, into: .init(rebasing: buffer[..<room]))
            }
            target = bytes[..<count].map { UInt8(bitPattern: $0) }
        }
        let facts = FileFacts(
            mode: status.st_mode, links: status.st_nlink, owner: [status.st_uid, status.st_gid],
            inode: UInt64(status.st_ino), device: UInt64(status.st_rdev), size: Int64(status.st_size),
            blocks: Int64(status.st_blocks), blockSize: Int(status.st_blksize),
            times: [status.st_atim, status.st_mtim, status.st_ctim].flatMap { [Int($0.tv_sec), $0.tv_nsec] },
            target: target)
        return (facts, birth)
    }
}

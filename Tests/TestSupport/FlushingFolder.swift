import Glibc
import Platform
import Synchronization

/// A folder on a file system that is told of each close (FLUSH), and keeps whoever closes a file waiting when told to, while
/// it answers everything else. serverfs does not want to be told, so this is a small FUSE server of its own, in the test's
/// process: no thread of that may enter the folder. Needs root.
package final class FlushingFolder: Sendable {
    /// To look at, by other processes.
    package let path: String
    private let folder: PrivateFolder
    private let device: SharedDescriptor
    private let files: [(name: String, bytes: [UInt8])]
    private let state = Mutex(State())

    private struct State {
        var holdsFlushes = false
        /// FLUSH requests that have yet to be answered.
        var held: [UInt64] = []
    }

    /// How many closes wait.
    package var heldFlushes: Int { state.withLock { $0.held.count } }

    package init(_ files: [String: [UInt8]], in folder: PrivateFolder) throws {
        self.folder = folder
        self.files = files.map { ($0.key, $0.value) }
        path = try folder.makeFolder("flushing")
        device = SharedDescriptor(try Files.open("/dev/fuse", flags: O_RDWR))
        let options = "fd=\(device.rawValue),rootmode=40000,user_id=0,group_id=0,allow_other"
        guard mount("flushing", path, "fuse", UInt(MS_RDONLY | MS_NOSUID | MS_NODEV), options) == 0 else {
            throw Errno(rawValue: errno)
        }
        // It ends when the mount is gone: it must not be what keeps this object.
        _ = try NamedThread("flushing") { [weak self, device] in
            var request = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(device.rawValue, &request, request.count)
                if count < 0, errno == EINTR || errno == ENOENT { continue }
                guard count > 0, let self else { return }
                request.withUnsafeBytes { self.answer(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
        }
    }

    deinit {
        letGo()
        umount2(path, CInt(MNT_DETACH) | CInt(MNT_FORCE))
    }

    /// Keeps whoever closes a file waiting, from now on.
    package func hold() { state.withLock { $0.holdsFlushes = true } }

    /// Lets all of them go, and holds nobody any more.
    package func letGo() {
        let held = state.withLock { state in
            defer { state = State() }
            return state.held
        }
        for unique in held { send(unique, []) }
    }

    // MARK: - The protocol (linux/fuse.h)

    /// struct fuse_in_header: u32 length, u32 opcode, u64 unique, u64 nodeid, u32 uid, u32 gid, u32 pid, u32.
    private func answer(_ request: UnsafeRawBufferPointer) {
        let unique = request.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let node = request.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        let arguments = UnsafeRawBufferPointer(rebasing: request[40...])
        switch request.loadUnaligned(fromByteOffset: 4, as: UInt32.self) {
        case 1:  // LOOKUP
            let name = String(decoding: arguments.prefix { $0 != 0 }, as: UTF8.self)
            guard let index = files.firstIndex(where: { $0.name == name }) else { return send(unique, error: ENOENT) }
            send(unique, words(UInt64(index + 2), 0, Self.validSeconds, Self.validSeconds, 0) + attributes(index + 2))
        case 3: send(unique, words(Self.validSeconds, 0) + attributes(Int(node)))  // GETATTR
        case 14, 27: send(unique, words(1, 0))  // OPEN, OPENDIR
        case 15:  // READ: u64 handle, u64 offset, u32 size
            let bytes = files[Int(node) - 2].bytes
            let offset = min(Int(arguments.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), bytes.count)
            let size = Int(arguments.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
            send(unique, Array(bytes[offset..<min(offset + size, bytes.count)]))
        case 18, 28, 29: send(unique, [])  // RELEASE, READDIR, RELEASEDIR
        case 25:  // FLUSH
            let isHeld = state.withLock { state in
                if state.holdsFlushes { state.held.append(unique) }
                return state.holdsFlushes
            }
            if !isHeld { send(unique, []) }
        case 26: send(unique, words(31 << 32 | 7, 1 << 17, 4096 << 32, 1, 0, 0, 0, 0))  // INIT
        case 2, 36, 42: break  // FORGET, INTERRUPT, BATCH_FORGET: nobody waits.
        default: send(unique, error: ENOSYS)
        }
    }

    /// The kernel need not ask for names and attributes again.
    private static let validSeconds: UInt64 = 3600

    /// struct fuse_attr: u64 inode, size, blocks, three times; u32 their nanoseconds, mode, links, owner, …
    private func attributes(_ node: Int) -> [UInt8] {
        let size = node == 1 ? 0 : files[node - 2].bytes.count
        let mode = UInt64(node == 1 ? S_IFDIR | 0o755 : S_IFREG | 0o644)
        // Long ago: what has just changed is not kept open.
        return words(UInt64(node), UInt64(size), 0, 1_000_000_000, 1_000_000_000, 1_000_000_000)
            + words(0, mode << 32, 1, 0, 4096)
    }

    private func words(_ words: UInt64...) -> [UInt8] {
        words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    }

    /// struct fuse_out_header: u32 length, i32 error, u64 unique; then the answer.
    private func send(_ unique: UInt64, _ bytes: [UInt8] = [], error: CInt = 0) {
        let length = UInt64(16 + bytes.count)
        let answer = words(UInt64(UInt32(bitPattern: -error)) << 32 | length, unique) + bytes
        _ = answer.withUnsafeBytes { write(device.rawValue, $0.baseAddress, $0.count) }
    }
}

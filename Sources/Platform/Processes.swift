import CKernel
import Glibc

/// Processes and what they inherit.
package enum Processes {
    /// How many threads this process has.
    package static var threadCount: Int {
        // A folder's links are itself, its name above, and one for each folder in it.
        let status = try? Files.status(AT_FDCWD, "/proc/self/task")
        return status.map { Int($0.st_nlink) - 2 } ?? 0
    }

    /// Makes a copy of this process that goes on from here (`fork(3)`). With one thread only: of several, the others would
    /// be missing in the copy, with the locks they held still held.
    ///
    /// - Returns: the child's id; 0 in the child.
    package static func fork() throws(Errno) -> CInt {
        CInt(try Errno.check(kernel_fork()))
    }

    /// A descriptor that is readable once `process`, a child, has ended (`pidfd_open(2)`); close-on-exec.
    package static func descriptor(of process: CInt) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: CInt(try Errno.check(kernel_pidfd_open(process))))
    }

    /// Closes every descriptor from `first` on, whoever owns it (`close_range(2)`).
    package static func closeAll(from first: CInt) {
        if kernel_close_range(UInt32(first), .max) >= 0 { return }
        for descriptor in first..<CInt(clamping: sysconf(CInt(_SC_OPEN_MAX))) { close(descriptor) }
    }

    /// Names the calling thread, and with the first thread the process, as `ps` and `pkill` know it; at most 15 bytes.
    package static func setName(_ name: String) {
        _ = kernel_set_thread_name(name)
    }

    /// Replaces the process's arguments, as `ps` and `pkill -f` know them, as far as there is room. Nobody may read them
    /// any more.
    package static func setArguments(_ text: String) {
        // The last parenthesis ends the second field; the 48th and 49th say where the arguments start and end.
        guard let line = try? contents("/proc/self/stat"), let parenthesis = line.lastIndex(of: UInt8(ascii: ")"))
        else {
            return
        }
        let fields = line[(parenthesis + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 46, let start = UInt(String(decoding: fields[45], as: UTF8.self)),
            let end = UInt(String(decoding: fields[46], as: UTF8.self)), end > start,
            let address = UnsafeMutableRawPointer(bitPattern: start)
        else { return }
        let room = UnsafeMutableRawBufferPointer(start: address, count: Int(end - start))
        room.initializeMemory(as: UInt8.self, repeating: 0)
        room.copyBytes(from: text.utf8.prefix(room.count - 1))
    }

    /// Gives back the pages of program text that this process has mapped (`madvise(2)` with MADV_DONTNEED): what is used
    /// again comes back from the page cache.
    package static func releaseText() {
        guard let maps = try? contents("/proc/self/maps") else { return }
        let text = maps.split(separator: UInt8(ascii: "\n")).compactMap(textMapping)
        // Found first and given back then, so that the search itself leaves nothing mapped.
        for mapping in text { madvise(mapping.baseAddress!, mapping.count, MADV_DONTNEED) }
    }

    /// A line of /proc/self/maps, START-END MODE OFFSET DEVICE INODE PATH, if nothing of the mapping was ever written to, not
    /// even by relocations: program text, and what comes before it in a file.
    private static func textMapping(_ line: ArraySlice<UInt8>) -> UnsafeMutableRawBufferPointer? {
        let fields = line.split(separator: UInt8(ascii: " "))
        guard fields.count > 5, fields[5].first == UInt8(ascii: "/"),
            fields[1].elementsEqual("r-xp".utf8)
                || fields[1].elementsEqual("r--p".utf8) && fields[2].allSatisfy({ $0 == UInt8(ascii: "0") })
        else { return nil }
        let range = fields[0].split(separator: UInt8(ascii: "-")).map {
            UInt(String(decoding: $0, as: UTF8.self), radix: 16) ?? 0
        }
        guard range.count == 2, range[1] > range[0] else { return nil }
        return UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(bitPattern: range[0]), count: Int(range[1] - range[0]))
    }

    /// All of a file of /proc, whose size is not known before.
    static func contents(_ path: String) throws(Errno) -> [UInt8] {
        let file = try Files.open(path, flags: O_RDONLY)
        return try contents(of: file.rawValue)
    }

    /// All of an open file of /proc or another such file system.
    static func contents(of file: CInt) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try Files.read(file, into: chunk, at: Int64(bytes.count))
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}

import Glibc

/// What is done with a `NumberedTree`, in the docroot or through a mount.
struct TreeVisit {
    let path: String

    /// Asks for the attributes of the first `files` files, each by its name in its folder: a lookup each where the kernel
    /// does not know them yet. Only these calls are timed.
    func lookUp(files: Int) -> VisitFigures {
        var figures = VisitFigures()
        for first in stride(from: 0, to: files, by: NumberedTree.filesPerFolder) {
            let folder = "\(path)/\(NumberedTree.folderName(first / NumberedTree.filesPerFolder))"
            let names = (first..<min(first + NumberedTree.filesPerFolder, files)).map {
                NumberedTree.fileName($0).utf8CString
            }
            lookUp(names, in: folder, &figures)
        }
        return figures
    }

    private func lookUp(_ names: [ContiguousArray<CChar>], in folder: String, _ figures: inout VisitFigures) {
        // Not opened for reading: this is not about the listing.
        let descriptor = unsafe open(folder, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            figures.fail(errno)
            return
        }
        defer { close(descriptor) }
        var status = stat()
        let start = ContinuousClock.now
        for name in names {
            let result = unsafe name.withUnsafeBufferPointer { name in
                unsafe fstatat(descriptor, name.baseAddress!, &status, AT_SYMLINK_NOFOLLOW)
            }
            if result == 0 { figures.files += 1 } else { figures.fail(errno) }
        }
        figures.nanoseconds += nanoseconds(since: start)
    }

    /// O_PATH, which <fcntl.h> shows only to GNU programs.
    private static let pathOnly: Int32 = 0o10000000

    /// Lists all folders, and reads and compares every file that is found.
    func readAll() -> VisitFigures {
        var figures = VisitFigures()
        let start = ContinuousClock.now
        for folder in FolderVisit.names(path, &figures) {
            let folderPath = "\(path)/\(folder)"
            for name in FolderVisit.names(folderPath, &figures) {
                readAndCompare("\(folderPath)/\(name)", name, &figures)
            }
        }
        figures.nanoseconds = nanoseconds(since: start)
        return figures
    }

    private func readAndCompare(_ path: String, _ name: String, _ figures: inout VisitFigures) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            figures.fail(errno)
            return
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(descriptor, &buffer, buffer.count)
        guard count >= 0 else {
            figures.fail(errno)
            return
        }
        guard buffer[..<count].elementsEqual(name.utf8) else {
            figures.fail(0)
            return
        }
        figures.files += 1
        figures.bytes += count
    }
}

/// Listings.
enum FolderVisit {
    /// All names of a folder, in the order in which they come; the digest is of both.
    static func list(_ path: String) -> VisitFigures {
        var figures = VisitFigures()
        let start = ContinuousClock.now
        let names = names(path, &figures)
        figures.nanoseconds = nanoseconds(since: start)
        figures.files = names.count
        figures.digest = digest(names)
        return figures
    }

    /// FNV-1a over the names, each with a NUL behind it.
    static func digest(_ names: [String]) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for name in names {
            for byte in Array(name.utf8) + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return Int(truncatingIfNeeded: hash)
    }

    /// Without `.` and `..`.
    static func names(_ path: String, _ figures: inout VisitFigures) -> [String] {
        guard let stream = unsafe opendir(path) else {
            figures.fail(errno)
            return []
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        if errno != 0 { figures.fail(errno) }
        return names
    }
}

func nanoseconds(since start: ContinuousClock.Instant) -> Int {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
}

import Glibc
import Platform
import ServerCore

/// The file that `serverfs cost` draws its picture into: a regular file, which is there whole or as it was.
enum PictureFile {
    /// Whether `path` can be written to later, as far as one can know before.
    static func check(_ path: String) throws(StartFailure) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw StartFailure("\(path) cannot be written: this is no regular file")
            }
            if access(path, W_OK) != 0 { throw failure(path, errno) }
        } else {
            let code = errno
            if code != ENOENT || path.isEmpty || path.hasSuffix("/") { throw failure(path, code) }
        }
        // A new file takes its place.
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if access(folder, W_OK | X_OK) != 0 { throw failure(path, errno) }
    }

    /// Makes or replaces it.
    static func write(_ text: String, to path: String) throws(StartFailure) {
        let (number, name) = try OutputFile.makeTemporary(for: path) { failure(path, $0) }
        let file = OwnedDescriptor(adopting: number)
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let (count, code) = left.withUnsafeBytes { (Glibc.write(file.rawValue, $0.baseAddress, $0.count), errno) }
            if count < 0, code == EINTR { continue }
            guard count > 0 else {
                unlink(name)
                throw failure(path, code)
            }
            left = left.dropFirst(count)
        }
        guard rename(name, path) == 0 else {
            let code = errno
            unlink(name)
            throw failure(path, code)
        }
    }

    private static func failure(_ path: String, _ code: CInt) -> StartFailure {
        StartFailure("\(path.isEmpty ? "\"\"" : path) cannot be written: \(Errno(rawValue: code))")
    }
}

import Glibc
import Platform
import ServerCore

/// The file that `serverfs cost` draws its picture into.
enum PictureFile {
    /// Whether `path` can be written to later, as far as one can know before.
    static func check(_ path: String) throws(StartFailure) {
        if access(path, W_OK) == 0 { return }
        let code = errno
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if code == ENOENT, access(folder, W_OK) == 0 { return }
        throw failure(path, code == ENOENT ? errno : code)
    }

    /// Makes or replaces it.
    static func write(_ text: String, to path: String) throws(StartFailure) {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw failure(path, errno) }
        let file = OwnedDescriptor(adopting: number)
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure(path, errno) }
            left = left.dropFirst(count)
        }
    }

    private static func failure(_ path: String, _ code: CInt) -> StartFailure {
        StartFailure("\(path) cannot be written: \(Errno(rawValue: code))")
    }
}

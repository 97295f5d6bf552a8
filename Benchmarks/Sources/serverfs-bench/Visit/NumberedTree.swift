import CKernelCalls
import Glibc

/// A tree of tiny numbered files, so many a folder, each of which holds its own name. It can grow.
struct NumberedTree {
    static let filesPerFolder = 1000

    let path: String
    private(set) var files = 0

    init(path: String) throws {
        self.path = path
        try makeFolder(path)
    }

    static func folderName(_ number: Int) -> String { "folder-\(padded(number, to: 5))" }
    static func fileName(_ number: Int) -> String { "document-\(padded(number, to: 7)).txt" }

    /// Adds files until there are so many, and writes all to the disk, so that this is not done while measuring.
    mutating func grow(to count: Int) throws {
        while files < count {
            try Interrupt.check()
            let folder = "\(path)/\(Self.folderName(files / Self.filesPerFolder))"
            if files % Self.filesPerFolder == 0 { try makeFolder(folder) }
            let end = min(count, (files / Self.filesPerFolder + 1) * Self.filesPerFolder)
            while files < end {
                try Self.create(Self.fileName(files), in: folder)
                files += 1
            }
        }
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        _ = bench_syncfs(descriptor)
        close(descriptor)
    }

    static func create(_ name: String, in folder: String) throws {
        let descriptor = unsafe open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw BenchFailure(.runFailed, "a file of \(folder) cannot be made: \(errorText(errno))")
        }
        defer { close(descriptor) }
        let bytes = Array(name.utf8)
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else {
            throw BenchFailure(.runFailed, "a file of \(folder) cannot be written: \(errorText(errno))")
        }
    }
}

/// A number with zeros before it.
func padded(_ number: Int, to digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
}

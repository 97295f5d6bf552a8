import FoundationEssentials
import Glibc

/// A private directory (mode 0700) for the output of the processes, nginx's files and docroots. `remove` ends it.
struct TemporaryDirectory {
    let path: String

    /// Where temporary files are.
    static var parent: String { ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp" }

    init(in parent: String = Self.parent) throws {
        var template = Array("\(parent)/serverfs-bench-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw BenchFailure(.runFailed, "no temporary directory in \(parent): \(errorText(errno))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
    }

    func remove() {
        removeTree(path)
    }
}

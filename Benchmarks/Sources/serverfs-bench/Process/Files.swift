import FoundationEssentials
import Glibc

/// The text of a file, empty when there is none: what is read here is /proc and the output of processes.
func text(ofFile path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data, as: UTF8.self)
}

/// The size of a regular file, nil for anything else.
func regularFileBytes(_ path: String) -> Int? {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
}

/// strerror(3).
func errorText(_ code: Int32) -> String {
    unsafe String(cString: strerror(code))
}

/// Says something on standard error, so that standard output holds the report alone.
func note(_ sentence: String) {
    let line = Array("serverfs-bench: \(sentence)\n".utf8)
    _ = unsafe write(STDERR_FILENO, line, line.count)
}

/// Writes to a file that is there, and gives whether that could be done.
func writeText(_ text: String, to path: String) -> Bool {
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    return unsafe write(descriptor, bytes, bytes.count) == bytes.count
}

import Glibc
package import Platform

/// A new folder below /tmp for one test, readable by all users; it goes with the last reference to it, and every mount
/// below it too.
package final class PrivateFolder: Sendable {
    package let path: String

    package init() throws(Errno) {
        path = try Self.make(in: Workspace.shared.path)
        chmod(path, 0o755)
    }

    deinit {
        Self.unmountAll(below: path)
        Workspace.remove(path)
    }

    /// Makes a folder in it.
    package func makeFolder(_ name: String) throws(Errno) -> String {
        let child = "\(path)/\(name)"
        guard mkdir(child, 0o755) == 0 else { throw Errno(rawValue: errno) }
        return child
    }

    /// Makes or replaces a file in it.
    @discardableResult
    package func write(_ name: String, _ bytes: some Sequence<UInt8>) throws(Errno) -> String {
        try writeFile(Array("\(path)/\(name)".utf8), Array(bytes))
        return "\(path)/\(name)"
    }

    @discardableResult
    package func write(_ name: String, _ text: String) throws(Errno) -> String { try write(name, text.utf8) }

    /// Whether `name` exists in it, as a name: symbolic links are not followed.
    package func contains(_ name: String) -> Bool {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0
    }

    /// Names in a folder, without `.` and `..`.
    package static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The mounts below `path`, and on it.
    package static func mounts(below path: String) -> [MountEntry] {
        let all = (try? MountTable.read()) ?? []
        return all.filter { $0.mountPoint == path || $0.mountPoint.hasPrefix("\(path)/") }
    }

    private static func unmountAll(below path: String) {
        for mount in mounts(below: path).reversed() {
            _ = ChildProcess.run(["umount", "-l", mount.mountPoint])
        }
    }

    package static func make(in parent: String) throws(Errno) -> String {
        var template = Array("\(parent)/serverfs-e2e-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Makes or replaces the file at a path of any bytes.
package func writeFile(_ path: [UInt8], _ bytes: [UInt8]) throws(Errno) {
    let file = try withPath(path) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    defer { close(file) }
    try writeAll(file, bytes)
}

/// Writes all of `bytes` to a descriptor at its present position.
package func writeAll(_ descriptor: CInt, _ bytes: [UInt8]) throws(Errno) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw Errno(rawValue: errno) }
        rest = rest.dropFirst(count)
    }
}

/// Calls a C function that returns -1 on failure with a path of any bytes.
@discardableResult
package func withPath(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> CInt) throws(Errno) -> CInt {
    let text = path.map { CChar(bitPattern: $0) } + [0]
    let result = text.withUnsafeBufferPointer { body($0.baseAddress!) }
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return result
}

import Glibc

/// One of the kernel's tracepoints: its number, and where the fields of its records are (tracefs, `events/…`).
package struct Tracepoint: Sendable {
    /// What records start with (u16), and what `ThreadEvents` knows it by.
    package let number: UInt64
    private let fields: [String: Range<Int>]

    /// Looks a tracepoint up, `fuse/fuse_request_send` for instance. Where tracefs is not mounted, it is for that moment, seen by
    /// nobody else.
    ///
    /// - Throws: EACCES or EPERM without the right to see tracefs, ENOENT when the kernel has no such tracepoint, ENODEV when it
    ///   has none at all.
    package init(_ name: String) throws(Errno) {
        let folder = try Self.openFolder()
        let number = try Self.text("\(name)/id", in: folder.rawValue)
        let format = try Self.text("\(name)/format", in: folder.rawValue)
        guard let number = UInt64(number.prefix { $0.isNumber }) else { throw .invalidArgument }
        self.init(number: number, format: format)
    }

    /// - Parameter format: what its file `format` says.
    package init(number: UInt64, format: String) {
        self.number = number
        var fields: [String: Range<Int>] = [:]
        // `field:u64 unique;  offset:16;  size:8;  signed:0;`
        for line in format.split(separator: "\n") {
            let parts = line.split(separator: ";").map { $0.drop { $0 == "\t" || $0 == " " } }
            guard parts.count >= 3, parts[0].hasPrefix("field:"), let name = parts[0].split(separator: " ").last,
                parts[1].hasPrefix("offset:"), let offset = Int(parts[1].dropFirst(7)),
                parts[2].hasPrefix("size:"), let size = Int(parts[2].dropFirst(5)), offset >= 0, size >= 0
            else { continue }
            fields[String(name)] = offset..<(offset + size)
        }
        self.fields = fields
    }

    /// Where the field of that name lies in a record; nil when there is none of that size.
    package func offset(of name: String, byteCount: Int) -> Int? {
        fields[name].flatMap { $0.count == byteCount ? $0.lowerBound : nil }
    }

    private static func openFolder() throws(Errno) -> OwnedDescriptor {
        if let folder = try? Files.open("/sys/kernel/tracing/events", flags: Files.pathOnly | O_DIRECTORY) {
            return folder
        }
        let root = try Mounts.makeDetached("tracefs")
        return try Files.openBeneath(
            root.rawValue, "events", flags: Files.pathOnly | O_DIRECTORY, resolution: .beneath)
    }

    private static func text(_ path: String, in folder: CInt) throws(Errno) -> String {
        let file = try Files.openBeneath(folder, path, flags: O_RDONLY, resolution: .beneath)
        return String(decoding: try Processes.contents(of: file.rawValue), as: UTF8.self)
    }
}

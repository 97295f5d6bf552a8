import Glibc
import TestSupport

/// Files that say of themselves what they are: a first line with name, version and size, and then bytes that follow from
/// these. Whoever has a body can tell whether it is one of them, whole.
enum Content {
    /// The files every docroot of the suite has. All sizes between some bytes and several turns of an event loop.
    static let names: [String] = (0..<32).map { "file-\($0)" }

    /// The file that wrk asks for.
    static let loadName = "load"

    static func size(of name: String) -> Int {
        if name == loadName { return 26_400 }
        let index = Int(name.split(separator: "-").last ?? "") ?? 0
        return 100 + index * index * 300
    }

    static func bytes(_ name: String, version: Int = 0, size given: Int? = nil) -> [UInt8] {
        let size = given ?? size(of: name)
        let head = Array("\(name) \(version) \(size)\n".utf8)
        return head + RandomBytes.make(size - head.count, from: seed(name, version))
    }

    /// The version of a body that is a whole file of that name; nil when it is anything else.
    static func version(of body: [UInt8], name: String) -> Int? {
        guard let end = body.prefix(100).firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let fields = String(decoding: body[..<end], as: UTF8.self).split(separator: " ")
        guard fields.count == 3, fields[0] == name, let version = Int(fields[1]), let size = Int(fields[2]),
            size == body.count
        else { return nil }
        let whole = bytes(name, version: version, size: size)
        return memcmp(whole, body, size) == 0 ? version : nil
    }

    /// Fills a docroot.
    static func fill(_ docroot: String) throws {
        for name in names + [loadName] { try writeFile(Array("\(docroot)/\(name)".utf8), bytes(name)) }
    }

    private static func seed(_ name: String, _ version: Int) -> Int {
        name.utf8.reduce(version &* 7919) { ($0 &* 31 &+ Int($1)) & 0xff_ffff }
    }
}

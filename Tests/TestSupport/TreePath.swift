/// A path below a docroot: names of any bytes but `/` and NUL, with slashes between them.
package struct TreePath: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    package init(stringLiteral value: String) { self.init(value.utf8) }

    package init(_ text: String) { self.init(text.utf8) }

    package static func / (folder: TreePath, name: TreePath) -> TreePath {
        TreePath(folder.bytes + [UInt8(ascii: "/")] + name.bytes)
    }

    /// The request-target: every byte that is not a letter, a digit or a slash escaped, as a careful client does it.
    package var target: String {
        var text: [UInt8] = [UInt8(ascii: "/")]
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"):
                text.append(byte)
            default:
                text += [UInt8(ascii: "%"), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    package var description: String { target }

    /// The file's place in the file system.
    package func absolute(in docroot: String) -> [UInt8] { Array(docroot.utf8) + [UInt8(ascii: "/")] + bytes }

    private static let digits = Array("0123456789ABCDEF".utf8)
}

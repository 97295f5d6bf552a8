/// Media types by the extension of a file name. Any thread.
package enum MediaType {
    /// The type of a file that says nothing about itself.
    package static let unknown: StaticString = "application/octet-stream"

    /// The Content-Type of the file at `path`, by what follows the last dot of its last segment, in any case.
    ///
    /// A dot that starts the name makes a hidden file, not an extension. The first call builds the table, which
    /// allocates once; no other does.
    package static func named(byPath path: RawSpan) -> StaticString {
        guard let key = extensionKey(path) else { return unknown }
        var low = 0
        var high = table.count
        while low < high {
            let middle = (low &+ high) &>> 1
            let entry = table[middle]
            if entry.key == key { return entry.type }
            if entry.key < key { low = middle &+ 1 } else { high = middle }
        }
        return unknown
    }

    /// A row of the table: an extension packed into a number, and its type.
    struct Entry {
        let key: UInt128
        let type: StaticString

        /// `fileExtension` is in lower case, of at most 16 bytes.
        init(_ fileExtension: StaticString, _ type: StaticString) {
            precondition(fileExtension.utf8CodeUnitCount <= MediaType.extensionBytesMax)
            var key: UInt128 = 0
            for index in 0..<fileExtension.utf8CodeUnitCount {
                key = key << 8 | UInt128(unsafe fileExtension.utf8Start[index])
            }
            self.key = key
            self.type = type
        }
    }

    /// What a key has room for; a longer extension is not in the table.
    private static let extensionBytesMax = 16

    private static let table = entries.sorted { $0.key < $1.key }

    /// The key of the extension of the last path segment; nil when there is none that could be in the table.
    private static func extensionKey(_ path: RawSpan) -> UInt128? {
        var key: UInt128 = 0
        var shift: UInt128 = 0
        var offset = path.byteCount &- 1
        while offset > 0 {
            let byte = path.byte(at: offset)
            if byte == ASCII.dot {
                return shift > 0 && path.byte(at: offset &- 1) != ASCII.slash ? key : nil
            }
            guard byte != ASCII.slash, shift < UInt128(8 * extensionBytesMax) else { return nil }
            let isUppercase = byte &- UInt8(ascii: "A") < 26
            key |= UInt128(isUppercase ? byte | ASCII.lowercaseBit : byte) &<< shift
            shift &+= 8
            offset &-= 1
        }
        return nil
    }
}

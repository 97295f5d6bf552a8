import Glibc

/// File contents that say what they are: 16 bytes after 16 bytes, each with the file, the version, and their own offset.
enum SelfDescribingBytes {
    static let recordBytes = 16

    /// `count` bytes from `offset` on, both multiples of 16.
    static func make(file: UInt32, version: UInt32, from offset: Int = 0, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
            let raw = UnsafeMutableRawBufferPointer(memory)
            let head = UInt64(file) << 32 | UInt64(version)
            for position in stride(from: 0, to: count, by: recordBytes) {
                raw.storeBytes(of: head, toByteOffset: position, as: UInt64.self)
                raw.storeBytes(of: UInt64(offset + position), toByteOffset: position + 8, as: UInt64.self)
            }
            filled = count
        }
    }

    /// Which file's bytes these are, and of which of its versions; nil when there are none.
    ///
    /// - Throws: when they are not what belongs at `offset`, or of several files.
    static func identify(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws -> (file: UInt32, versions: Set<UInt32>)? {
        guard bytes.count % recordBytes == 0 else {
            throw ClientFailure.mismatch("\(bytes.count) bytes, which no version has")
        }
        var file: UInt32?
        var versions: Set<UInt32> = []
        var lastHead: UInt64?
        for position in stride(from: 0, to: bytes.count, by: recordBytes) {
            let head = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let place = bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self)
            guard place == UInt64(offset + position), head != 0 else {
                throw ClientFailure.mismatch(
                    "what belongs at \(place) is at \(offset + position), of file and version \(head), "
                        + "in \(bytes.count) bytes from \(offset)")
            }
            if head == lastHead { continue }
            lastHead = head
            let found = UInt32(head >> 32)
            guard file == nil || file == found else { throw ClientFailure.mismatch("bytes of two files in one") }
            file = found
            versions.insert(UInt32(truncatingIfNeeded: head))
        }
        return file.map { ($0, versions) }
    }
}

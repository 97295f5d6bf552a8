/// One directory record as the kernel gives it (`struct linux_dirent64`, `getdents64(2)`).
struct DirectoryRecord {
    var inode: UInt64
    /// Where the next record is read from.
    var nextOffset: Int64
    /// The file's type (`DT_…`), 0 when the file system does not say.
    var type: UInt8
    /// NUL-terminated, valid as long as the buffer.
    var name: UnsafePointer<CChar>
}

/// The records in a buffer that `getdents64` filled, one after the other.
struct DirectoryRecords {
    private var rest: UnsafeRawBufferPointer

    init(bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// u64 inode, s64 offset, u16 record length, u8 type, then the name.
    private static let nameOffset = 19

    mutating func next() -> DirectoryRecord? {
        guard rest.count > Self.nameOffset else { return nil }
        let length = Int(rest.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
        let record = DirectoryRecord(
            inode: rest.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            nextOffset: rest.loadUnaligned(fromByteOffset: 8, as: Int64.self),
            type: rest[18],
            name: (rest.baseAddress! + Self.nameOffset).assumingMemoryBound(to: CChar.self))
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        return record
    }
}

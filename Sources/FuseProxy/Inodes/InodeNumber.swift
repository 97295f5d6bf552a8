/// How kernel and daemon name an inode to each other (`fuse_ino_t`, the nodeid of linux/fuse.h): an index into the inode
/// table in the low 32 bits, and above it the generation of that index, so that a number of a forgotten inode is known as
/// such and never means another file.
struct InodeNumber: Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(index: UInt32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(index)
    }

    var index: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

    /// The root's number, fixed by the protocol (FUSE_ROOT_ID).
    static let root = InodeNumber(rawValue: 1)
}

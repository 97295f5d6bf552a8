import Platform

/// The `copy` strategy: a READ's bytes go from the docroot's page cache into the FUSE thread's buffer, and from there into
/// the reply.
enum CopyReader {
    /// How often a file is looked at anew that was written to meanwhile.
    private static let attemptsMax = 16

    /// Fills `buffer` from `offset` on; fewer bytes only at the end of the file, also one that it was cut to meanwhile, because
    /// the kernel takes a short READ for the end.
    ///
    /// The bytes are those of one moment: of a `write(2)` all is seen, or nothing. File systems do not see to that by themselves:
    /// ext4 and tmpfs copy for a reader while they copy from a writer. So a file that was written to meanwhile is read anew,
    /// unless that happens every time, or a write takes longer than `WriterWait` has patience. It takes a file system whose times
    /// tell each change from the one before (ext4, XFS, Btrfs and tmpfs from Linux 6.13 on).
    ///
    /// - Parameter isWholeOnly: whether to fail where that cannot be made sure.
    /// - Throws: EIO then.
    static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, isWholeOnly: Bool = false
    ) throws(Errno) -> Int {
        var attempts = 0
        var patience = Patience()
        while true {
            attempts += 1
            let before = try settledVersion(descriptor, at: offset, &patience)
            if isWholeOnly, patience.isOver { throw .ioError }
            if before == nil, attempts < attemptsMax { continue }
            let filled = try fill(buffer, from: descriptor, at: offset)
            // A writer sets the times before it copies. And where the file was cut, its file system may have cleared the page cache
            // under the copy, whole pages, since folios are large: the kernel would keep them. The size is set before that.
            let after = ContentVersion(try Files.status(descriptor))
            if before == after { return filled }
            guard attempts >= attemptsMax else { continue }
            if isWholeOnly { throw .ioError }
            return max(Int(min(Int64(filled), after.size - offset)), 0)
        }
    }

    /// What a READ may wait for writers.
    private struct Patience {
        /// CLOCK_MONOTONIC, nanoseconds; nil until the first is waited for.
        var deadline: UInt64?
        /// Whether one has taken too long.
        var isOver = false
    }

    /// The file's version when nobody was writing to it, as far as there is patience; nil when somebody has begun meanwhile.
    private static func settledVersion(
        _ descriptor: CInt, at offset: Int64, _ patience: inout Patience
    ) throws(Errno) -> ContentVersion? {
        let status = try Files.status(descriptor)
        let version = ContentVersion(status)
        guard !patience.isOver, version.isRecent else { return version }
        let deadline = patience.deadline ?? Clock.monotonicNanoseconds + WriterWait.patienceNanoseconds
        patience.deadline = deadline
        patience.isOver = !WriterWait.shared.wait(descriptor, FileIdentity(status), at: offset, until: deadline)
        return version == ContentVersion(try Files.status(descriptor)) ? version : nil
    }

    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from descriptor: CInt, at offset: Int64
    ) throws(Errno) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try Files.read(descriptor, into: rest, at: offset + Int64(filled))
            if count == 0 { break }
            filled += count
        }
        return filled
    }
}

import Platform

/// The `copy` strategy: a READ's bytes go from the docroot's page cache into the FUSE thread's buffer, and from there into
/// the reply.
enum CopyReader {
    /// Fills `buffer` from `offset` on; fewer bytes only at the end of the file, also one that it was cut to meanwhile, because
    /// the kernel takes a short READ for the end.
    static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(Errno) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try Files.read(descriptor, into: rest, at: offset + Int64(filled))
            if count == 0 { break }
            filled += count
        }
        guard filled > 0, buffer[filled - 1] == 0 else { return filled }
        // Where the file was cut while it was read, its file system may have cleared the page cache under the copy: whole pages,
        // since folios are large. The kernel would keep them. The size is set before that, so it tells now.
        let size = try Files.status(descriptor).st_size
        return max(Int(min(Int64(filled), Int64(size) - offset)), 0)
    }
}

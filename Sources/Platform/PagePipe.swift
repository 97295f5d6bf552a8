import CKernel
import Glibc

/// A pipe by which pages of a mapping go to a socket without being copied: empty but for the time of one `send`. One thread at
/// a time.
package final class PagePipe {
    private let readEnd: OwnedDescriptor
    private let writeEnd: OwnedDescriptor
    /// Whether bytes are left in it that could not be thrown away: never again used then.
    package private(set) var isSpoilt = false

    /// Bytes that it takes at once, if they begin and end at a page's bounds: the kernel's 16 pages (`pipe(7)`).
    package static let capacity = 64 << 10

    /// - Throws: EMFILE, ENFILE.
    package init() throws(Errno) {
        var ends: [CInt] = [-1, -1]
        _ = try Errno.check(kernel_pipe(&ends, O_CLOEXEC | O_NONBLOCK))
        readEnd = OwnedDescriptor(adopting: ends[0])
        writeEnd = OwnedDescriptor(adopting: ends[1])
    }

    /// Sends what the socket takes of a range of `mapping`: its pages, by reference (`vmsplice(2)`, `splice(2)`).
    ///
    /// - Parameters:
    ///   - range: within the mapping, not empty.
    ///   - isWhole: asked when the pages are held, and before any is sent: whether they are what they should be.
    /// - Returns: the bytes sent; nil, and nothing is sent, when a page is gone or `isWhole` says no.
    /// - Throws: the socket's own: EAGAIN when it takes none.
    package func send(
        _ range: Range<Int>, of mapping: FileMapping, to socket: CInt, isWhole: () -> Bool
    ) throws(Errno) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= mapping.byteCount, "not of this mapping")
        guard !isSpoilt else { return nil }
        let flags = UInt32(KERNEL_SPLICE_F_NONBLOCK)
        var held = kernel_vmsplice(writeEnd.rawValue, mapping.base + range.lowerBound, range.count, flags)
        withExtendedLifetime(mapping) {}
        guard held > 0 else { return nil }
        defer { if held > 0 { throwAway(held) } }
        guard held == range.count, isWhole() else { return nil }
        while true {
            let sent = kernel_splice(readEnd.rawValue, socket, held, flags)
            if sent >= 0 {
                held -= sent
                return sent
            }
            let code = errno
            if code != EINTR { throw Errno(rawValue: code) }
        }
    }

    private func throwAway(_ byteCount: Int) {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { room in
            var rest = byteCount
            while rest > 0 {
                let count = read(readEnd.rawValue, room.baseAddress, min(rest, room.count))
                if count > 0 { rest -= count } else if errno != EINTR { break }
            }
            isSpoilt = rest > 0
        }
    }
}

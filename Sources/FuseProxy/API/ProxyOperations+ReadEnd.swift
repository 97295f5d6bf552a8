import Glibc
import Platform

/// READs that meet a file's end.
extension ProxyOperations {
    /// Makes sure that the kernel can tell that a READ has met the file's end before the end it goes by.
    ///
    /// It takes a reply that is too short to mean that the file ends there; but when it is told of a change between READ and
    /// reply, it fills the rest with zeros instead, up to the size that it still knows. So nothing is told while such a READ is
    /// answered. Where that is too late, a READ that is ahead of a reader fails, and is asked again when he comes; of one page, it
    /// may be what he waits for, and is done again a little later.
    ///
    /// - Parameters:
    ///   - file: open on the docroot's file.
    ///   - read: reads what was asked for, or only says how much of it there is.
    /// - Returns: how much was read.
    /// - Throws: EIO where that has not helped in time.
    func readChecked(
        _ inode: InodeNumber, _ file: CInt, offset: Int64, count: Int, _ read: () throws(Errno) -> Int
    ) throws(Errno) -> Int {
        var firstRefusalNanoseconds: UInt64 = 0
        while true {
            let length = try read()
            guard keepsPages, length < count else { return length }
            let end = try judgeEnd(inode, file, offset: offset, count: count, read: length)
            if end == .expected || end == .early { return length }
            let now = Clock.monotonicNanoseconds
            if firstRefusalNanoseconds == 0 { firstRefusalNanoseconds = now }
            let patience =
                end == .beingTold ? SizeDoubts.toldPatienceNanosecondsMax : SizeDoubts.patienceNanosecondsMax
            guard count <= SizeDoubts.pageBytes, now < firstRefusalNanoseconds + patience else { throw .ioError }
            usleep(500)
        }
    }

    private func judgeEnd(
        _ inode: InodeNumber, _ file: CInt, offset: Int64, count: Int, read: Int
    ) throws(Errno) -> ReadEnd {
        let isBeyond = read == 0 && count > SizeDoubts.pageBytes ? try Files.status(file).st_size < offset : false
        guard let thread = ProxyThread.currentIfAny else { return .expected }
        let end = offset + Int64(read)
        let judged = inodes.judge(end: end, isBeyond: isBeyond, of: inode)
        if judged == .early { thread.earlyAnswer = EarlyAnswer(inode: inode, end: end, count: count) }
        return judged
    }
}

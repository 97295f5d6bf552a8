import Glibc
import Platform

/// READs that meet a file's end.
extension ProxyOperations {
    /// Makes sure that the kernel can tell that a READ has met the file's end before the end it goes by.
    ///
    /// It takes a reply that is too short to mean that the file ends there; but when it is told of a change between READ and
    /// reply, it fills the rest with zeros instead, up to the size that it still knows. So nothing is told while such a READ is
    /// answered. Where that is too late, the READ waits a little; and where it may be what the telling waits for, it fails: readers
    /// read ahead first, and ask again for what has failed.
    ///
    /// - Parameters:
    ///   - file: open on the docroot's file.
    ///   - read: reads what was asked for, or only says how much of it there is.
    /// - Returns: how much was read.
    /// - Throws: EIO where it must not be answered.
    func readChecked(
        _ inode: InodeNumber, _ file: CInt, offset: Int64, count: Int, _ read: () throws(Errno) -> Int
    ) throws(Errno) -> Int {
        // A file may be as long as numbers go.
        let (end, isBeyondNumbers) = offset.addingReportingOverflow(Int64(count))
        let range = offset..<(isBeyondNumbers ? .max : end)
        guard keepsPages else { return try read() }
        let receivedNanoseconds = Clock.monotonicNanoseconds
        while true {
            let length = try read()
            guard length < count else { return length }
            let isBeyond = length == 0 && count > SizeDoubts.pageBytes ? try Files.status(file).st_size < offset : false
            let waited = Clock.monotonicNanoseconds - receivedNanoseconds
            let question = ReadQuestion(range: range, receivedNanoseconds: receivedNanoseconds, isBeyond: isBeyond)
            switch judgeEnd(inode, question, read: length) {
            case .expected, .early: return length
            case .refused:
                guard waited < SizeDoubts.patienceNanosecondsMax else { throw .ioError }
            case .refusedOnce:
                guard count <= SizeDoubts.pageBytes else { throw .ioError }
            case .beingTold(let number):
                if tellingThread.waitsForPages, inodes.noteRefused(inode, range, duringTelling: number) {
                    throw .ioError
                }
                guard waited < SizeDoubts.toldPatienceNanosecondsMax else { throw .ioError }
            }
            usleep(500)
        }
    }

    private func judgeEnd(_ inode: InodeNumber, _ question: ReadQuestion, read: Int) -> ReadEnd {
        guard let thread = ProxyThread.currentIfAny else { return .expected }
        let end = question.range.lowerBound + Int64(read)
        let judged = inodes.judge(question, end: end, of: inode)
        if judged == .early {
            thread.earlyAnswer = EarlyAnswer(inode: inode, end: end, isReaders: inodes.isReaders(inode, question.range))
        }
        return judged
    }
}

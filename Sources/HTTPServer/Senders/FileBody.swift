import Glibc
import Platform

/// A stretch of a file on its way to a client. Event thread only.
struct FileBody {
    var file: OpenFile
    /// The next byte to send.
    var offset: Int64
    /// Bytes still to send.
    var remaining: Int64
    var sender: Sender
    /// How often in a row the file's end was met too early, and its size asked for again.
    private var earlyEnds = 0
    /// As it was at the beginning: the thread may be overtaken, and another map the file.
    private let mapping: MappedFile?
    /// Bytes sent from it.
    private(set) var mappedBytesSent: Int64 = 0
    /// Whether the file is looked at once more before the last bytes are sent: they are, if it is what it was.
    private var isChecked: Bool
    /// Whether that is of use: what the kernel keeps of the file may be of several versions.
    private let mayBeChecked: Bool

    var isMapped: Bool { mapping != nil }

    /// - Parameter tree: the file's.
    init(file: OpenFile, offset: Int64, remaining: Int64, of tree: FileTree) {
        let sender = tree.sender
        self.file = file
        self.offset = offset
        self.remaining = remaining
        self.sender = file.usesDirectIO ? .copy : sender
        mapping = sender == .mmap ? file.mapping : nil
        mayBeChecked = tree.keepsPages && file.snapshot == nil
        isChecked = mayBeChecked && (file.usesDirectIO || remaining > Limits.uncheckedBodyBytesMax)
    }

    enum Progress {
        /// Everything is sent.
        case done
        /// The socket takes no more for now.
        case blocked
        /// This turn's share is sent.
        case yielded
        /// The file ends before it should, or is another by now: the promised bytes cannot be sent.
        case truncated
        /// The client is gone, or the file cannot be read.
        case failed
    }

    /// Sends what the socket takes, up to this turn's share, and moves on.
    ///
    /// - Parameters:
    ///   - thread: has the buffer that `copy` reads into, and measures.
    ///   - pipe: for a body that is mapped; without it, that is sent as any other.
    mutating func send(to socket: CInt, on thread: LoopThread, through pipe: PagePipe?) -> Progress {
        var share = Limits.bodyBytesPerTurnMax
        while remaining > 0 {
            guard share > 0 else { return wait(.yielded) }
            let isEnd = isChecked && remaining <= Limits.heldBackBytes
            let count = Int(min(isChecked && !isEnd ? remaining - Limits.heldBackBytes : remaining, Int64(share)))
            do throws(Errno) {
                guard let sent = try send(to: socket, count: count, isEnd: isEnd, on: thread, through: pipe) else {
                    return .truncated
                }
                if sent > 0 {
                    earlyEnds = 0
                    remaining -= Int64(sent)
                    share -= sent
                } else if !mayGoOn() {
                    return .truncated
                }
            } catch .resourceTemporarilyUnavailable {
                return wait(.blocked)
            } catch .ioError where mayGoOn() {
                // The mount lets no one read around a size that the kernel has not been told yet: now it has. And nobody what is
                // just being written: each time that is given longer, 0.1 s in all.
                if file.usesDirectIO { usleep(UInt32(earlyEnds) * 1000) }
            } catch {
                return .failed
            }
        }
        return .done
    }

    /// What is sent later is of a file that may have changed by then.
    private mutating func wait(_ progress: Progress) -> Progress {
        isChecked = mayBeChecked
        return progress
    }

    /// - Parameter isEnd: whether these are the last bytes of a body that is checked.
    /// - Returns: nil when the file is another by now.
    private mutating func send(
        to socket: CInt, count: Int, isEnd: Bool, on thread: LoopThread, through pipe: PagePipe?
    ) throws(Errno) -> Int? {
        if let snapshot = file.snapshot { return try send(snapshot, to: socket, count: count) }
        if isEnd { return try sendCopy(to: socket, count: count, isEnd: true, on: thread) }
        switch sender {
        case .sendfile: return try sendFromPageCache(to: socket, count: count)
        case .mmap: return try sendMapped(to: socket, count: count, through: pipe)
        case .copy: return try sendCopy(to: socket, count: count, isEnd: false, on: thread)
        }
    }

    /// Whether the file is what it was when the response was begun. One that has grown is taken to have been appended to.
    private var isUnchanged: Bool {
        do throws(Errno) {
            // Of a file at rest the kernel is told in time when it changes.
            let present =
                file.isRecent
                ? try Files.presentVersion(file.rawDescriptor) : ContentVersion(try Files.status(file.rawDescriptor))
            let (size, modified) = (file.version.size, file.version.modifiedNanoseconds)
            return present.size > size || (present.size == size && present.modifiedNanoseconds == modified)
        } catch {
            // What is gone does not change any more.
            return error == .staleNFSFileHandle || error == .noSuchFileOrDirectory
        }
    }

    /// Whether the file's end, though it was met here, is further on. Through the mount the kernel may, for a moment, go by a
    /// smaller size than it has told us: that of a READ which was answered before the file grew, or because a change has
    /// overtaken the answer with the size. Asked for the present size it learns better, unless that happens again.
    private mutating func mayGoOn() -> Bool {
        guard earlyEnds < Limits.earlyEndsMax, let size = try? Files.presentSize(file.rawDescriptor), size > offset
        else { return false }
        earlyEnds += 1
        return true
    }

    /// What is not mapped, or is not what it was any more, is sent from the page cache.
    private mutating func sendMapped(to socket: CInt, count: Int, through pipe: PagePipe?) throws(Errno) -> Int {
        if let mapping, let pipe {
            let range = Int(offset)..<Int(offset) + count
            if let sent = try pipe.send(range, of: mapping.pages, to: socket, isWhole: { mapping.isWhole }) {
                offset += Int64(sent)
                mappedBytesSent += Int64(sent)
                return sent
            }
        }
        return try sendFromPageCache(to: socket, count: count)
    }

    private mutating func sendFromPageCache(to socket: CInt, count: Int) throws(Errno) -> Int {
        try Sockets.sendFile(socket, from: file.rawDescriptor, offset: &offset, count: count)
    }

    private mutating func send(_ snapshot: FileSnapshot, to socket: CInt, count: Int) throws(Errno) -> Int {
        let start = Int(offset)
        let bytes = UnsafeRawBufferPointer(rebasing: snapshot.bytes[start..<start + count])
        let sent = try Sockets.send(socket, bytes, more: Int64(count) < remaining)
        offset += Int64(sent)
        return sent
    }

    private mutating func sendCopy(
        to socket: CInt, count: Int, isEnd: Bool, on thread: LoopThread
    ) throws(Errno) -> Int? {
        let buffer = thread.bodyBuffer
        var most = min(count, buffer.count)
        // By whole pages the daemon would take it for what the kernel keeps.
        if file.usesDirectIO, (most | Int(offset)) % Limits.pageBytes == 0 { most -= 1 }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<most])
        // What came before was sending: the head, or an earlier piece.
        thread.meter.endPhase(.send)
        let read = try Files.read(file.rawDescriptor, into: room, at: offset)
        thread.meter.endPhase(.read)
        guard read > 0 else { return 0 }
        if isEnd, !isUnchanged { return nil }
        let isRest = Int64(read) == remaining
        // What the socket does not take is read again later: keeping it would cost each connection a buffer.
        let sent = try Sockets.send(socket, UnsafeRawBufferPointer(rebasing: room[..<read]), more: !isRest)
        offset += Int64(sent)
        return sent
    }
}

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

    init(file: OpenFile, offset: Int64, remaining: Int64, sender: Sender) {
        self.file = file
        self.offset = offset
        self.remaining = remaining
        self.sender = sender
    }

    enum Progress {
        /// Everything is sent.
        case done
        /// The socket takes no more for now.
        case blocked
        /// This turn's share is sent.
        case yielded
        /// The file ends before it should: the promised length cannot be kept.
        case truncated
        /// The client is gone, or the file cannot be read.
        case failed
    }

    /// Sends what the socket takes, up to this turn's share, and moves on.
    ///
    /// - Parameter thread: has the buffer that `copy` reads into, and measures.
    mutating func send(to socket: CInt, on thread: LoopThread) -> Progress {
        var share = Limits.bodyBytesPerTurnMax
        while remaining > 0 {
            guard share > 0 else { return .yielded }
            let count = Int(min(remaining, Int64(share)))
            do throws(Errno) {
                let sent =
                    switch sender {
                    case .sendfile: try sendFromPageCache(to: socket, count: count)
                    case .copy: try sendCopy(to: socket, count: count, on: thread)
                    }
                if sent > 0 {
                    earlyEnds = 0
                    remaining -= Int64(sent)
                    share -= sent
                } else if !mayGoOn() {
                    return .truncated
                }
            } catch .resourceTemporarilyUnavailable {
                return .blocked
            } catch .ioError where mayGoOn() {
                // The mount lets no one read around a size that the kernel has not been told yet: now it has.
                continue
            } catch {
                return .failed
            }
        }
        return .done
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

    private mutating func sendFromPageCache(to socket: CInt, count: Int) throws(Errno) -> Int {
        try Sockets.sendFile(socket, from: file.rawDescriptor, offset: &offset, count: count)
    }

    private mutating func sendCopy(
        to socket: CInt, count: Int, on thread: LoopThread
    ) throws(Errno) -> Int {
        let buffer = thread.bodyBuffer
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)])
        // What came before was sending: the head, or an earlier piece.
        thread.meter.endPhase(.send)
        let read = try Files.read(file.rawDescriptor, into: room, at: offset)
        thread.meter.endPhase(.read)
        guard read > 0 else { return 0 }
        let isRest = Int64(read) == remaining
        // What the socket does not take is read again later: keeping it would cost each connection a buffer.
        let sent = try Sockets.send(socket, UnsafeRawBufferPointer(rebasing: room[..<read]), more: !isRest)
        offset += Int64(sent)
        return sent
    }
}

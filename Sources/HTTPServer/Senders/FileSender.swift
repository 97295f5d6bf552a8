import Platform

/// A stretch of a file on its way to a client. Event thread only.
struct FileBody {
    var file: OpenFile
    /// The next byte to send.
    var offset: Int64
    /// Bytes still to send.
    var remaining: Int64
}

/// Moves a body from its file to the socket with `sendfile(2)`: no copy through user memory.
enum SendfileSender {
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

    /// Sends what the socket takes, up to this turn's share, and moves `body` on.
    static func send(_ body: inout FileBody, to socket: CInt) -> Progress {
        var share = Limits.bodyBytesPerTurnMax
        while body.remaining > 0 {
            guard share > 0 else { return .yielded }
            let count = Int(min(body.remaining, Int64(share)))
            do throws(Errno) {
                let sent = try Sockets.sendFile(
                    socket, from: body.file.rawDescriptor, offset: &body.offset, count: count)
                if sent == 0 { return .truncated }
                body.remaining -= Int64(sent)
                share -= sent
            } catch .resourceTemporarilyUnavailable {
                return .blocked
            } catch {
                return .failed
            }
        }
        return .done
    }
}

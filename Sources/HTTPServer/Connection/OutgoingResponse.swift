import Glibc
import Platform
import Telemetry

/// A response under way: what is left of its head and short body, and of its file. Event thread only.
struct OutgoingResponse: ~Copyable {
    /// The file's part, when there is one.
    var body: FileBody?
    /// Whether the connection closes after it.
    var isLast = false
    var servingPath = ServingPath.mount
    /// Bytes of the file sent since the caller last looked.
    var bodyBytesSent: Int64 = 0
    /// Those among them that were sent from a mapping.
    var mappedBytesSent: Int64 = 0

    /// What is left of the head: in the loop's buffer at first, in `storage` once the loop goes on to other connections.
    private var head = UnsafeRawBufferPointer(start: nil, count: 0)
    private var storage: UnsafeMutableRawBufferPointer?

    init() {}

    deinit { storage?.deallocate() }

    /// Bytes of the head and of the file that are still to be sent.
    var bytesLeft: Int64 { Int64(head.count) + (body?.remaining ?? 0) }

    mutating func takeHead(_ bytes: UnsafeRawBufferPointer) { head = bytes }

    /// Sends as much as the socket takes: the head and the start of the body travel together.
    ///
    /// - Parameters:
    ///   - thread: for a body; nil where there is none.
    ///   - pipe: for a body that is mapped.
    mutating func send(to socket: CInt, on thread: LoopThread?, through pipe: PagePipe?) -> FileBody.Progress {
        while !head.isEmpty {
            do throws(Errno) {
                let count = try Sockets.send(socket, head, more: body != nil)
                head = UnsafeRawBufferPointer(rebasing: head[count...])
            } catch .resourceTemporarilyUnavailable {
                return .blocked
            } catch {
                return .failed
            }
        }
        guard body != nil, let thread else { return .done }
        thread.meter.endTracedPhase(.send)
        let (before, mappedBefore) = (body!.remaining, body!.mappedBytesSent)
        let progress = body!.send(to: socket, on: thread, through: pipe)
        bodyBytesSent += before - body!.remaining
        mappedBytesSent += body!.mappedBytesSent - mappedBefore
        return progress
    }

    /// Copies what is left of the head out of the loop's buffer, which the next connection will use.
    mutating func keepHead() {
        guard storage == nil, !head.isEmpty else { return }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: head.count, alignment: 1)
        copy.copyMemory(from: head)
        storage = copy
        head = UnsafeRawBufferPointer(copy)
    }

    /// Lets go of the file and the head.
    mutating func finish() {
        body = nil
        head = UnsafeRawBufferPointer(start: nil, count: 0)
        isLast = false
        if let storage {
            storage.deallocate()
            self.storage = nil
        }
    }
}

import CLibevent
import Glibc
import HTTPMessage
import Platform
import Telemetry

/// One client's connection: a state machine that never blocks. Event thread only.
///
/// It receives requests, answers them one after the other in the order they came, and waits, without reading on, while a
/// client does not take its response.
///
/// Its thread may be stuck in a file system and the loop be run by another meanwhile (`LoopThread`). The connection stays
/// with the first, which finishes the one call, touches nothing but the connection, and brings it back; then the loop goes on
/// with it where that one was (`Connection+Stuck`).
final class Connection {
    enum Phase {
        /// Waiting for a request, or for the rest of one.
        case receiving
        /// A response is under way and the socket takes no more for now.
        case sending
        /// Another connection's thread waits for the file that this one has asked for too.
        case waiting
        /// Its thread was stuck and is so no longer: it goes on in the next turn.
        case rejoining
        /// The last response is sent and our side is closed; what the client still sends is thrown away, so that it reads
        /// the response before it learns of the close (RFC 9112 section 9.6).
        case lingering
        case closed
    }

    let slot: Int
    /// The loop's tick at which `timeUp` is called.
    var deadlineTick: Int
    var phase = Phase.receiving
    /// The response under way.
    var outgoing = OutgoingResponse()
    let listener: Listener
    /// What the request at hand is for.
    var requestedFile = RequestedFile()
    /// What is measured of the request at hand, while no thread works on it.
    var suspendedRequest = SuspendedRequest()
    /// CLOCK_MONOTONIC, when the first byte of the request at hand came; 0 where no times are taken.
    private(set) var firstByteNanoseconds: UInt64 = 0
    /// What a thread that was stuck has brought back; nil otherwise.
    var broughtBack: BroughtBack?
    unowned(unsafe) let loop: EventLoop
    let socket: OwnedDescriptor
    /// nil once closed.
    private(set) var readEvent: OpaquePointer?
    /// Made when the first response has to wait.
    var writeEvent: OpaquePointer?
    let base: OpaquePointer
    /// Bytes received and not yet used: the start of a request, or pipelined requests behind a response under way.
    private var pending: UnsafeMutableRawBufferPointer?
    private(set) var pendingCount = 0
    /// CLOCK_MONOTONIC, when the first of them came; 0 where no times are taken.
    private var pendingSince: UInt64 = 0
    private var lingeredBytes = 0
    /// How often in a row the socket was writable and nothing could be sent.
    var fruitlessWakeUps = 0
    /// Whether pending bytes may hold whole requests, which wait only for their turn.
    private var hasMoreRequests = false
    /// Whether the request at hand has no file yet: how far it is, should its thread be stuck.
    var isLookingForFile = false

    /// Takes over an accepted socket; nil when there is no memory for its event.
    init?(
        _ socket: consuming OwnedDescriptor, loop: EventLoop, base: OpaquePointer, listener: Listener, slot: Int
    ) {
        self.slot = slot
        self.loop = loop
        self.base = base
        self.listener = listener
        deadlineTick = loop.deadline(seconds: Limits.headTimeoutSeconds)
        // The event needs a pointer to this object, which is not whole before it has the event: the context comes second.
        guard let event = event_new(base, socket.rawValue, Int16(EV_READ | EV_PERSIST), connectionReadable, nil) else {
            return nil
        }
        readEvent = event
        self.socket = socket
        event_assign(
            event, base, self.socket.rawValue, Int16(EV_READ | EV_PERSIST), connectionReadable,
            Unmanaged.passUnretained(self).toOpaque())
        event_add(event, nil)
    }

    /// Perhaps on a thread that was stuck and holds it last: the events, which are the loop's, are gone by then.
    deinit { pending?.deallocate() }

    // MARK: - Receiving

    /// Does what the loop has noted. It may end with the thread being overtaken.
    func perform(_ kind: EventLoop.Task.Kind) {
        switch kind {
        case .read: readable()
        case .write: writable()
        case .resume: if phase == .receiving, hasMoreRequests { processPending() }
        case .rejoin: rejoin()
        }
    }

    /// Goes on with requests that have been received already.
    func processPending() {
        loop.thread.readBuffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending![..<pendingCount]))
        // They have waited for the server, not the server for them: their time begins now.
        process(pendingCount, carried: pendingCount, isNew: true)
    }

    private func readable() {
        if phase == .lingering { return discard() }
        // Requests that wait for their turn come first; more, and the end of input, are looked for after them.
        guard phase == .receiving, !hasMoreRequests else { return }
        let buffer = loop.thread.readBuffer
        let carried = pendingCount
        if carried > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending![..<pendingCount]))
        }
        var count = pendingCount
        do throws(Errno) {
            let received = try Sockets.receive(
                socket.rawValue, into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            if received == 0 { return close() }
            count += received
            loop.thread.meter.received()
        } catch .resourceTemporarilyUnavailable {
            return
        } catch {
            return close()
        }
        process(count, carried: carried)
    }

    /// Answers the requests in the first `count` bytes of the thread's buffer, as far as the client takes the answers, and
    /// keeps the rest.
    ///
    /// - Parameters:
    ///   - carried: how many of them had been received before.
    ///   - isNew: whether they are the first request's, of which nothing was looked at before.
    private func process(_ count: Int, carried: Int, isNew: Bool = false) {
        let thread = loop.thread
        let wasWaiting = carried > 0 && !isNew
        hasMoreRequests = false
        var used = 0
        var answered = 0
        while phase == .receiving, used < count {
            if answered == Limits.pipelinedRequestsPerTurnMax {
                hasMoreRequests = true
                loop.resumeNextTurn(self)
                break
            }
            let start = used
            let bytes = UnsafeRawBufferPointer(rebasing: thread.readBuffer[start..<count])
            switch RequestParser.parse(bytes.bytes) {
            case .incomplete:
                keep(used..<count, carried: carried, of: thread)
                // The time for a head counts from its first byte, not from each.
                if answered > 0 || !wasWaiting { deadlineTick = loop.deadline(seconds: Limits.headTimeoutSeconds) }
                return
            case .invalid(let error):
                loop.counters.add(.invalidRequests)
                used = count
                respond(status: error.status, isLast: true)
            case .complete(let head):
                used += head.byteCount
                answered += 1
                measure(at: start, carried: carried, isRest: wasWaiting && start == 0, on: thread)
                respond(head, in: bytes, on: thread)
                if thread.isOvertaken || phase == .waiting {
                    // Where no file is found yet the request is to be read once more.
                    keep((isLookingForFile ? start : used)..<count, carried: carried, of: thread)
                    return
                }
            }
        }
        keep(used..<count, carried: carried, of: thread)
        guard phase == .receiving else { return }
        waitForRequest()
    }

    /// Begins to measure the request at `start`, or goes on where it was left.
    private func measure(at start: Int, carried: Int, isRest: Bool, on thread: LoopThread) {
        if let suspended = takeSuspended() {
            thread.meter.resume(suspended)
        } else {
            firstByteNanoseconds = start < carried ? pendingSince : thread.meter.turnNanoseconds
            thread.meter.begin(firstByteNanoseconds: firstByteNanoseconds, isRest: isRest)
        }
        thread.meter.endPhase(.parse)
    }

    /// What was measured of the request at hand before it was left; nil where nothing was.
    func takeSuspended() -> SuspendedRequest? {
        guard suspendedRequest.timeline.isRunning else { return nil }
        defer { suspendedRequest = SuspendedRequest() }
        return suspendedRequest
    }

    func waitForRequest() {
        if loop.isDraining, pendingCount == 0 { return close() }
        deadlineTick = loop.deadline(seconds: loop.configuration.keepAliveSeconds)
    }

    /// Keeps a part of the thread's buffer until more arrives or the client has taken its response.
    private func keep(_ range: Range<Int>, carried: Int, of thread: LoopThread) {
        pendingCount = range.count
        if range.lowerBound >= carried { pendingSince = thread.meter.turnNanoseconds }
        if range.isEmpty {
            if let pending {
                pending.deallocate()
                self.pending = nil
            }
            return
        }
        if pending == nil { pending = .allocate(byteCount: Limits.readBufferBytes, alignment: 64) }
        pending!.copyMemory(from: UnsafeRawBufferPointer(rebasing: thread.readBuffer[range]))
    }

    // MARK: - Closing

    /// After the last response: closes our side and waits a little for the client to close its own.
    func linger() {
        phase = .lingering
        Sockets.shutDown(socket.rawValue, .sending)
        deadlineTick = loop.deadline(seconds: loop.isDraining ? 1 : Limits.lingerTimeoutSeconds)
        if let writeEvent { event_del(writeEvent) }
        event_add(readEvent, nil)
        discard()
    }

    private func discard() {
        while lingeredBytes < Limits.lingerBytesMax {
            do throws(Errno) {
                let count = try Sockets.receive(socket.rawValue, into: loop.thread.readBuffer)
                if count == 0 { break }
                lingeredBytes += count
            } catch .resourceTemporarilyUnavailable {
                return
            } catch {
                break
            }
        }
        close()
    }

    /// The loop stops: an idle connection is closed, one with a response under way after that.
    func drain() {
        switch phase {
        case .receiving where pendingCount == 0: close()
        case .receiving, .waiting, .rejoining, .closed: break
        case .sending: outgoing.isLast = true
        case .lingering: close()
        }
    }

    /// The deadline has come.
    func timeUp() {
        if phase == .rejoining { return }
        if phase == .receiving, pendingCount > 0, !hasMoreRequests {
            return respond(status: .requestTimeout, isLast: true)
        }
        if phase == .waiting { return answerWaitingTooLong() }
        if phase == .sending { loop.counters.add(.truncatedResponses) }
        close()
    }

    /// Closes the socket at once. The object goes when its last caller returns.
    func close() {
        guard phase != .closed else { return }
        dispose()
        loop.remove(self)
    }

    /// The same where the loop has ended.
    func dispose() {
        phase = .closed
        if let readEvent { event_free(readEvent) }
        if let writeEvent { event_free(writeEvent) }
        readEvent = nil
        writeEvent = nil
        outgoing.finish()
    }
}

@c private func connectionReadable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    let connection = Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
    connection.loop.perform(.read, of: connection)
}

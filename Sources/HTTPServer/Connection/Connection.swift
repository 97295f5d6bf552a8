import CLibevent
import Glibc
import HTTPMessage
import Platform
import Telemetry

/// One client's connection: a state machine that never blocks. Event thread only.
///
/// It receives requests, answers them one after the other in the order they came, and waits, without reading on, while a
/// client does not take its response.
final class Connection {
    enum Phase {
        /// Waiting for a request, or for the rest of one.
        case receiving
        /// A response is under way and the socket takes no more for now.
        case sending
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
    unowned(unsafe) let loop: EventLoop
    let socket: OwnedDescriptor
    private let readEvent: OpaquePointer
    /// Made when the first response has to wait.
    private var writeEvent: OpaquePointer?
    private let base: OpaquePointer
    /// Bytes received and not yet used: the start of a request, or pipelined requests behind a response under way.
    private var pending: UnsafeMutableRawBufferPointer?
    private var pendingCount = 0
    private var lingeredBytes = 0
    /// How often in a row the socket was writable and nothing could be sent.
    private var fruitlessWakeUps = 0
    /// Whether pending bytes may hold whole requests, which wait only for their turn.
    private var hasMoreRequests = false

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

    deinit {
        event_free(readEvent)
        if let writeEvent { event_free(writeEvent) }
        pending?.deallocate()
    }

    // MARK: - Receiving

    /// Goes on with requests that have waited for their turn. From the loop, between two turns.
    func resume() {
        guard phase == .receiving, hasMoreRequests else { return }
        loop.readBuffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending![..<pendingCount]))
        process(pendingCount, isNew: true)
    }

    fileprivate func readable() {
        if phase == .lingering { return discard() }
        // Requests that wait for their turn come first; more, and the end of input, are looked for after them.
        guard phase == .receiving, !hasMoreRequests else { return }
        let buffer = loop.readBuffer
        if pendingCount > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending![..<pendingCount]))
        }
        var count = pendingCount
        do throws(Errno) {
            let received = try Sockets.receive(
                socket.rawValue, into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            if received == 0 { return close() }
            count += received
        } catch .resourceTemporarilyUnavailable {
            return
        } catch {
            return close()
        }
        process(count)
    }

    /// Answers the requests in the first `count` bytes of the loop's buffer, as far as the client takes the answers, and
    /// keeps the rest.
    private func process(_ count: Int, isNew: Bool = false) {
        let wasWaiting = pendingCount > 0 && !isNew
        hasMoreRequests = false
        var used = 0
        var answered = 0
        while phase == .receiving, used < count {
            if answered == Limits.pipelinedRequestsPerTurnMax {
                hasMoreRequests = true
                loop.resumeNextTurn(self)
                break
            }
            let bytes = UnsafeRawBufferPointer(rebasing: loop.readBuffer[used..<count])
            switch RequestParser.parse(bytes.bytes) {
            case .incomplete:
                keep(used..<count)
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
                respond(head, in: bytes)
            }
        }
        keep(used..<count)
        guard phase == .receiving else { return }
        waitForRequest()
    }

    private func waitForRequest() {
        if loop.isDraining, pendingCount == 0 { return close() }
        deadlineTick = loop.deadline(seconds: loop.configuration.keepAliveSeconds)
    }

    /// Keeps a part of the loop's buffer until more arrives or the client has taken its response.
    private func keep(_ range: Range<Int>) {
        pendingCount = range.count
        if range.isEmpty {
            if let pending {
                pending.deallocate()
                self.pending = nil
            }
            return
        }
        if pending == nil { pending = .allocate(byteCount: Limits.readBufferBytes, alignment: 64) }
        pending!.copyMemory(from: UnsafeRawBufferPointer(rebasing: loop.readBuffer[range]))
    }

    // MARK: - Sending

    /// Sends what is in `outgoing`, of which the first `headCount` bytes are in the loop's head buffer.
    func startSending(headCount: Int) {
        outgoing.takeHead(UnsafeRawBufferPointer(rebasing: loop.headBuffer[..<headCount]))
        continueSending()
    }

    fileprivate func writable() {
        guard phase == .sending else { return }
        continueSending()
        guard phase == .receiving else { return }
        // The response is done: what has come meanwhile is next.
        event_del(writeEvent)
        event_add(readEvent, nil)
        if pendingCount > 0 {
            loop.readBuffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending![..<pendingCount]))
            // What is pending has waited for the client, not the client for it: its time begins now.
            process(pendingCount, isNew: true)
        } else {
            waitForRequest()
        }
    }

    private func continueSending() {
        let leftBefore = outgoing.bytesLeft
        let progress = outgoing.send(to: socket.rawValue, bodyBuffer: loop.bodyBuffer)
        let hasProgressed = outgoing.bytesLeft < leftBefore
        if outgoing.bodyBytesSent > 0 {
            loop.counters.add(.bodyBytes(outgoing.servingPath), UInt64(outgoing.bodyBytesSent))
            outgoing.bodyBytesSent = 0
        }
        switch progress {
        case .done:
            let isLast = outgoing.isLast
            outgoing.finish()
            if isLast { linger() } else { phase = .receiving }
        case .blocked, .yielded:
            outgoing.keepHead()
            waitUntilWritable(hasProgressed: hasProgressed)
        case .truncated, .failed:
            // The promised length cannot be kept: the connection's end is the only honest way to say so.
            loop.counters.add(.truncatedResponses)
            close()
        }
    }

    private func waitUntilWritable(hasProgressed: Bool) {
        if hasProgressed || phase != .sending {
            deadlineTick = loop.deadline(seconds: Limits.sendTimeoutSeconds)
            fruitlessWakeUps = 0
        } else {
            // The socket was writable and yet took nothing: it is the file that says EAGAIN, and might for ever.
            fruitlessWakeUps += 1
            if fruitlessWakeUps > Limits.fruitlessWakeUpsMax {
                loop.counters.add(.truncatedResponses)
                return close()
            }
        }
        guard phase != .sending else { return }
        phase = .sending
        if writeEvent == nil {
            writeEvent = event_new(
                base, socket.rawValue, Int16(EV_WRITE | EV_PERSIST), connectionWritable,
                Unmanaged.passUnretained(self).toOpaque())
            guard writeEvent != nil else { return close() }
        }
        // While the client does not take its response nothing more is read from it.
        event_del(readEvent)
        event_add(writeEvent, nil)
    }

    // MARK: - Closing

    /// After the last response: closes our side and waits a little for the client to close its own.
    private func linger() {
        phase = .lingering
        shutdown(socket.rawValue, CInt(SHUT_WR))
        deadlineTick = loop.deadline(seconds: loop.isDraining ? 1 : Limits.lingerTimeoutSeconds)
        if let writeEvent { event_del(writeEvent) }
        event_add(readEvent, nil)
        discard()
    }

    private func discard() {
        while lingeredBytes < Limits.lingerBytesMax {
            do throws(Errno) {
                let count = try Sockets.receive(socket.rawValue, into: loop.readBuffer)
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
        case .receiving, .closed: break
        case .sending: outgoing.isLast = true
        case .lingering: close()
        }
    }

    /// The deadline has come.
    func timeUp() {
        if phase == .receiving, pendingCount > 0, !hasMoreRequests {
            return respond(status: .requestTimeout, isLast: true)
        }
        if phase == .sending { loop.counters.add(.truncatedResponses) }
        close()
    }

    /// Closes the socket at once. The object goes when its last caller returns.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        event_del(readEvent)
        if let writeEvent { event_del(writeEvent) }
        outgoing.finish()
        loop.remove(self)
    }
}

@c private func connectionReadable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue().readable()
}

@c private func connectionWritable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue().writable()
}

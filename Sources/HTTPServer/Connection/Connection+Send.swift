import CLibevent
import Glibc
import HTTPMessage
import Platform
import Telemetry

/// Sending responses, and waiting for clients that do not take them.
extension Connection {
    /// Sends what is in `outgoing`, of which the first `headCount` bytes are in the thread's head buffer.
    func startSending(headCount: Int) {
        loop.thread.meter.endTracedPhase(.prepare)
        outgoing.takeHead(UnsafeRawBufferPointer(rebasing: loop.thread.headBuffer[..<headCount]))
        continueSending()
    }

    func writable() {
        guard phase == .sending else { return }
        let thread = loop.thread
        thread.meter.resume(takeSuspended() ?? SuspendedRequest())
        continueSending()
        if !thread.isOvertaken { goOnIfSent() }
    }

    /// After a response that had to wait: what has come meanwhile is next.
    func goOnIfSent() {
        guard phase == .receiving else { return }
        if let writeEvent { event_del(writeEvent) }
        event_add(readEvent, nil)
        if pendingCount > 0 { processPending() } else { waitForRequest() }
    }

    private func continueSending() {
        let leftBefore = outgoing.bytesLeft
        guard outgoing.body != nil else {
            let progress = outgoing.send(to: socket.rawValue, on: nil, through: nil)
            loop.thread.meter.endPhase(.send)
            return finishSending(progress, hasProgressed: outgoing.bytesLeft < leftBefore)
        }
        let thread = loop.thread
        guard !loop.stuck.isFull else {
            // No more threads may wait for a file system.
            loop.counters.add(.truncatedResponses)
            return close()
        }
        isLookingForFile = false
        let sender = outgoing.body?.sender
        let pipe = outgoing.body?.isMapped == true ? loop.takePagePipe() : nil
        let progress = thread.mayWait { outgoing.send(to: socket.rawValue, on: thread, through: pipe) }
        thread.meter.endPhase(sender == .copy ? .send : .sendfile)
        let hasProgressed = outgoing.bytesLeft < leftBefore
        if thread.isOvertaken {
            outgoing.keepHead()
            broughtBack = .sent(progress, hasProgressed: hasProgressed)
            return
        }
        if let pipe { loop.giveBack(pipe) }
        finishSending(progress, hasProgressed: hasProgressed)
    }

    func finishSending(_ progress: FileBody.Progress, hasProgressed: Bool) {
        if outgoing.bodyBytesSent > 0 {
            loop.counters.add(.bodyBytes(outgoing.servingPath), UInt64(outgoing.bodyBytesSent))
            outgoing.bodyBytesSent = 0
        }
        if outgoing.mappedBytesSent > 0 {
            loop.counters.add(.mappedBodyBytes(outgoing.servingPath), UInt64(outgoing.mappedBytesSent))
            outgoing.mappedBytesSent = 0
        }
        switch progress {
        case .done:
            let isLast = outgoing.isLast
            let closesFile = outgoing.body.map { $0.file.cacheEntry == nil } ?? false
            outgoing.finish()
            loop.thread.meter.finish(closedFile: closesFile)
            guard isLast else {
                phase = .receiving
                return
            }
            linger()
            loop.thread.meter.skip()
        case .blocked, .yielded:
            outgoing.keepHead()
            waitUntilWritable(hasProgressed: hasProgressed)
            if phase == .sending { loop.thread.meter.suspend(into: &suspendedRequest) }
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
}

@c private func connectionWritable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    let connection = Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
    connection.loop.perform(.write, of: connection)
}

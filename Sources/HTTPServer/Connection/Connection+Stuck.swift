import CLibevent
import Glibc
import HTTPMessage
import Platform
import Telemetry

/// How a connection leaves the loop whose thread is stuck with it, and comes back.
extension Connection {
    /// What the thread that was stuck has finished.
    enum BroughtBack {
        case found(Finding)
        /// The mount was gone: the loop, whose trees are another thread's now, is to look once more.
        case lookAgain
        case sent(FileBody.Progress, hasProgressed: Bool)
    }

    /// Whether it is answered with a file of the mount.
    var isReadingMount: Bool {
        switch phase {
        case .sending: outgoing.body != nil && outgoing.servingPath == .mount
        case .rejoining: requestedFile.servingPath == .mount
        case .receiving, .waiting, .lingering, .closed: false
        }
    }

    /// Listens to its client no more: its thread is stuck, and another has the loop. On that other one.
    func suspend() {
        if let readEvent { event_del(readEvent) }
        if let writeEvent { event_del(writeEvent) }
    }

    /// Waits for another connection's thread, which is stuck with the same file.
    func wait() {
        phase = .waiting
        loop.thread.meter.suspend(into: &suspendedRequest)
        if let readEvent { event_del(readEvent) }
        deadlineTick = loop.deadline(seconds: loop.configuration.stallTimeoutSeconds)
    }

    /// Goes on: what its thread, or the one that it waited for, was stuck in is done.
    func rejoin() {
        guard phase == .rejoining || phase == .waiting else { return }
        if case .sent(let progress, let hasProgressed) = broughtBack {
            broughtBack = nil
            phase = .receiving
            loop.thread.meter.resume(takeSuspended() ?? SuspendedRequest(), isSent: progress == .done)
            finishSending(progress, hasProgressed: hasProgressed)
            goOnIfSent()
        } else if broughtBack != nil || phase == .waiting {
            phase = .receiving
            event_add(readEvent, nil)
            processPending()
        }
    }

    /// The time is up while another connection's thread is stuck with the file.
    func answerWaitingTooLong() {
        let meter = loop.thread.meter
        meter.skip()
        meter.resume(takeSuspended() ?? SuspendedRequest(), isTimeUp: true)
        meter.count(requestedFile.servingPath)
        respond(status: .gatewayTimeout, isLast: true)
        meter.abandon()
    }

    /// The time is up while its thread is stuck, which must not be disturbed: only the client is told.
    ///
    /// - Parameter path: what it has asked for, as text.
    func giveUp(path: String) {
        loop.counters.add(.stuckRequestsGivenUp)
        loop.thread.meter.recordStuck(
            firstByteNanoseconds: firstByteNanoseconds, path: path, requestedFile.servingPath,
            status: isLookingForFile ? HTTPStatus.gatewayTimeout.rawValue : nil)
        guard isLookingForFile else {
            // In the middle of a response: that it ends is all that can be said.
            Sockets.shutDown(socket.rawValue, .both)
            return
        }
        var writer = ResponseHeadWriter(loop.thread.headBuffer)
        writer.statusLine(.gatewayTimeout)
        writer.append(verbatim: loop.dateFields)
        writer.field("Content-Length", decimal: 0)
        writer.field("Connection", "close")
        writer.endOfHead()
        let head = UnsafeRawBufferPointer(rebasing: loop.thread.headBuffer[..<writer.count])
        _ = try? Sockets.send(socket.rawValue, head, more: false)
        Sockets.shutDown(socket.rawValue, .sending)
    }
}

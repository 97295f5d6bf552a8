import HTTPMessage
import Platform
import Synchronization
import Telemetry

/// A thread while it runs an event loop, and the buffers that it works in.
///
/// No other connection of the loop is to wait because a file system does. So a thread marks itself while it makes a call that
/// a file system may keep waiting, and when it stays marked, another thread takes the loop over (`StallMonitor`). What is left
/// to the first is the connection that it waits for: once the call has returned it brings that back, and ends.
///
/// Everything here belongs to the thread itself, but for `call` and `hasEnded`.
final class LoopThread: @unchecked Sendable {
    /// What a request is received into; a connection keeps bytes of its own only while a request is incomplete.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What a response head, and a short body, is written in.
    let headBuffer: UnsafeMutableRawBufferPointer
    /// What a body is copied through.
    let bodyBuffer: UnsafeMutableRawBufferPointer
    /// The decoded path of the request at hand, NUL-terminated.
    let pathBuffer: UnsafeMutableRawBufferPointer
    /// What is measured of the requests that it works on.
    let meter: RequestMeter
    /// Whether another thread has the loop now: nothing of the loop may be touched any more.
    private(set) var isOvertaken = false
    /// Set once, when the thread is about to end. Any thread may read it.
    let hasEnded = Atomic(false)

    /// The call that it may be waiting in. Any thread.
    let call = WaitingCall()

    init(_ meter: RequestMeter) {
        self.meter = meter
        readBuffer = .allocate(byteCount: Limits.readBufferBytes, alignment: 64)
        headBuffer = .allocate(byteCount: Limits.headBufferBytes, alignment: 64)
        bodyBuffer = .allocate(byteCount: Limits.bodyBufferBytes, alignment: 4096)
        // Room for a decoded path and the name of the index file after it.
        pathBuffer = .allocate(byteCount: RequestLimits.pathBytesMax + 32, alignment: 64)
    }

    deinit {
        readBuffer.deallocate()
        headBuffer.deallocate()
        bodyBuffer.deallocate()
        pathBuffer.deallocate()
    }

    /// Makes a call that a file system may keep waiting. Afterwards, `isOvertaken` must be looked at before anything of the
    /// loop is.
    @inline(__always)
    func mayWait<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        if isOvertaken { return try body() }
        call.begin()
        defer { isOvertaken = !call.end() }
        return try body()
    }
}

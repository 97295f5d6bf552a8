import Glibc
import Synchronization
import Telemetry

/// What belongs to one FUSE thread: its counters and its buffer. Found again by the callbacks that run on the thread.
final class ProxyThread: @unchecked Sendable {
    /// The thread's own: written by it alone.
    let counters: Counters<FuseCounter>
    /// The thread's own: what a reply is gathered in. As large as the largest READ, 1 MiB; untouched pages cost nothing.
    let buffer: UnsafeMutableRawBufferPointer
    /// Set once, when the thread makes no more system calls on the session.
    let hasEnded = Atomic(false)

    static let bufferBytes = 1 << 20

    init(counters: Counters<FuseCounter>) {
        self.counters = counters
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    /// Makes this the calling thread's, for as long as the caller holds it.
    func bind() {
        pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The calling FUSE thread's object.
    static var current: ProxyThread {
        Unmanaged<ProxyThread>.fromOpaque(pthread_getspecific(key)!).takeUnretainedValue()
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0)
        return key
    }()
}

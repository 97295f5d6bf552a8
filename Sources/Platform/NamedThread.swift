import CKernel
import Glibc

/// A dedicated thread with a name that `ps -L`, `perf` and traces show. It must be joined, once, by its owner.
///
/// Work that may enter the mount runs on these and never on Swift's cooperative pool, which a stuck mount would drain.
package final class NamedThread: Sendable {
    package let name: String
    private let thread: ThreadReference

    /// Starts `body` on a new thread (`pthread_create(3)`).
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes are kept by the kernel.
    ///   - stackBytes: the size of its stack.
    /// - Throws: EAGAIN when the process may have no more threads.
    package init(_ name: String, stackBytes: Int = 1 << 20, body: @escaping @Sendable () -> Void) throws(Errno) {
        self.name = name
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)

        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var identifier = pthread_t()
        let code = pthread_create(&identifier, &attributes, threadEntry, start.toOpaque())
        if code != 0 {
            start.release()
            throw Errno(rawValue: code)
        }
        thread = ThreadReference(identifier: identifier)
    }

    /// Waits for the thread's end and frees it. Not from the thread itself.
    package func join() {
        pthread_join(thread.identifier, nil)
    }

    /// Sends `signal` to this thread alone (`pthread_kill(3)`); only before `join`.
    package func interrupt(with signal: CInt) {
        pthread_kill(thread.identifier, signal)
    }

    /// The kernel's id of the calling thread (`gettid(2)`): what FUSE names as an operation's caller.
    package static var currentID: Int32 { Int32(kernel_gettid()) }
}

/// A `pthread_t`, which may be passed between threads.
private struct ThreadReference: @unchecked Sendable {
    let identifier: pthread_t
}

private final class ThreadStart {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

@c private func threadEntry(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let start = Unmanaged<ThreadStart>.fromOpaque(context!).takeRetainedValue()
    _ = kernel_set_thread_name(start.name)
    Signals.unblockOwn()
    ThreadUsage.noteBegin()
    start.body()
    ThreadUsage.noteEnd(name: start.name)
    return nil
}

import Glibc
import Platform
import Synchronization

/// Closes files whose file system may keep whoever closes them waiting: a network's, or a FUSE server that is told of each
/// close. Its thread, `closer`, is started when it is first needed, and may be stuck as long as it likes.
final class DescriptorCloser: Sendable {
    private let waiting = Guarded<[CInt]>([])
    private let thread = Guarded<NamedThread?>(nil)
    private let wakeUp: WakeUp

    init() throws(Errno) { wakeUp = try WakeUp() }

    /// Closes `descriptor`, which is nobody else's, some time. Any thread.
    func close(_ descriptor: CInt) {
        waiting.withLock { $0.append(descriptor) }
        let isRunning = thread.withLock { thread in
            if thread == nil { thread = try? NamedThread("closer") { [self] in run() } }
            return thread != nil
        }
        if isRunning { wakeUp.signal() } else { closeAll() }
    }

    private func run() {
        var wait = pollfd(fd: wakeUp.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            while poll(&wait, 1, -1) < 1 {}
            wakeUp.clear()
            closeAll()
        }
    }

    private func closeAll() {
        let descriptors = waiting.withLock { descriptors in
            defer { descriptors = [] }
            return descriptors
        }
        for descriptor in descriptors { OwnedDescriptor(adopting: descriptor).close() }
    }
}

import Glibc
import Platform

/// Sees to it that no event loop waits for a file system: a loop whose thread stays in one call gets another thread. Its
/// thread, `monitor-http`, makes no call that could wait itself.
///
/// Life cycle on one thread: `init`, `stop`.
final class StallMonitor: Sendable {
    private let hosts: [LoopHost]
    private let stopping: WakeUp
    private let thread = Guarded<NamedThread?>(nil)

    init(_ hosts: [LoopHost]) throws(Errno) {
        self.hosts = hosts
        stopping = try WakeUp()
        let started = try NamedThread("monitor-http") { [self] in run() }
        thread.withLock { $0 = started }
    }

    func stop() {
        stopping.signal()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        var seen: [UInt64?] = hosts.map { _ in nil }
        var wait = pollfd(fd: stopping.rawValue, events: Int16(POLLIN), revents: 0)
        while poll(&wait, 1, Limits.stallSampleMilliseconds) < 1 {
            for (index, host) in hosts.enumerated() {
                let waiting = host.waiting
                if let waiting, waiting.call == seen[index] {
                    // Without a thread to be had the loop goes on waiting, and gets the next chance with the next sample.
                    try? host.addThread(inPlaceOf: waiting)
                }
                seen[index] = waiting?.call
                host.reap()
            }
        }
    }
}

import Platform
import Synchronization

/// How the event loops tell that a request has found the mount to be gone, and of which mount that was true. Any thread.
package final class MountLoss: Sendable {
    private let wakeUp: WakeUp
    /// The serial numbers of the mount that is offered, 0 for none, and of the last that was found to be gone.
    private let present: Atomic<UInt64>
    private let lost = Atomic<UInt64>(0)

    init(_ mount: MountRoot?) throws(Errno) {
        wakeUp = try WakeUp()
        present = Atomic(mount?.serial ?? 0)
    }

    /// Readable when `takeReport` has something to tell.
    package var rawDescriptor: CInt { wakeUp.rawValue }

    /// Another mount is offered from now on.
    func expect(_ mount: MountRoot?) { present.store(mount?.serial ?? 0, ordering: .releasing) }

    /// A request has found the mount of that serial number to be gone.
    func report(_ serial: UInt64) {
        lost.max(serial, ordering: .releasing)
        wakeUp.signal()
    }

    /// Takes note of what was reported.
    ///
    /// - Returns: whether it was the mount that is offered now: a loop may find out about the one before it when that has
    ///   long been replaced.
    package func takeReport() -> Bool {
        wakeUp.clear()
        return lost.load(ordering: .acquiring) == present.load(ordering: .acquiring)
    }
}

import CKernel
import Glibc

/// A descriptor that becomes readable when any thread says so (`eventfd(2)`): how a thread that waits in an event loop is
/// told that there is something for it.
package final class WakeUp: Sendable {
    private let descriptor: OwnedDescriptor

    /// The descriptor to wait on.
    package var rawValue: CInt { descriptor.rawValue }

    package init() throws(Errno) {
        let flags = CInt(KERNEL_EFD_CLOEXEC) | CInt(KERNEL_EFD_NONBLOCK)
        descriptor = OwnedDescriptor(adopting: CInt(try Errno.check(kernel_eventfd(0, flags))))
    }

    /// Makes the descriptor readable. Any thread; also from a signal handler.
    package func signal() {
        var one: UInt64 = 1
        // It can only fail when the count is already at its limit, and then the waiter wakes anyway.
        _ = write(descriptor.rawValue, &one, 8)
    }

    /// Makes it unreadable again: by the waiting thread, before it looks for what there is to do.
    package func clear() {
        var count: UInt64 = 0
        _ = read(descriptor.rawValue, &count, 8)
    }
}

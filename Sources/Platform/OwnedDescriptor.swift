import CKernel
import Glibc

/// A file descriptor with one owner: closed when its owner lets go of it. Any thread may own one; it has no lock.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, to be used only while the owner is alive.
    package let rawValue: CInt

    /// Takes over `rawValue`, which nobody else may close from now on.
    package init(adopting rawValue: CInt) {
        precondition(rawValue >= 0)
        self.rawValue = rawValue
    }

    deinit {
        // Not retried: on Linux the descriptor is gone even when close(2) is interrupted.
        _ = Glibc.close(rawValue)
    }

    /// Closes it now instead of at the end of its scope.
    package consuming func close() {}

    /// Gives the descriptor up without closing it.
    package consuming func release() -> CInt {
        let descriptor = rawValue
        discard self
        return descriptor
    }
}

/// An owned descriptor that several places hold at a time; closed when the last of them lets go. Any thread.
package final class SharedDescriptor: Sendable {
    private let descriptor: OwnedDescriptor

    /// The descriptor's number, valid as long as this object is held: by a property, or for the time of `withRawValue`. A
    /// local variable is let go of after its last use, which may be before a call's end.
    package var rawValue: CInt { descriptor.rawValue }

    /// Calls `body` with the descriptor's number and keeps it open for that time, whoever else lets go of it.
    package func withRawValue<Result: ~Copyable>(
        _ body: (CInt) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(descriptor.rawValue)
    }

    package init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}

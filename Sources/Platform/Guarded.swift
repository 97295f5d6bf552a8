public import Synchronization

/// A value behind a lock, which is a `Mutex`; debug builds count the locks that each thread holds, so that no call is made
/// under one that may wait for the mount (`ThreadRules`).
///
/// The type is public, though nobody outside of the package sees it: of a generic type that is not, another module cannot
/// specialize what is inlinable.
public struct Guarded<Value: ~Copyable>: ~Copyable {
    @usableFromInline let mutex: Mutex<Value>

    @inlinable
    package init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Calls `body` with the lock held. Not to be nested with the same lock.
    @inlinable @inline(__always)
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        assert(willLock())
        defer { assert(didUnlock()) }
        return try mutex.withLock(body)
    }
}

extension Guarded: Sendable where Value: ~Copyable {}

// Inlinable code of a public type may name nothing that is only the package's.
@usableFromInline func willLock() -> Bool { ThreadRules.willLock() }
@usableFromInline func didUnlock() -> Bool { ThreadRules.didUnlock() }

package import Synchronization

/// A value behind a lock, which is a `Mutex`; debug builds count the locks that each thread holds, so that no call is made
/// under one that may wait for the mount (`ThreadRules`).
package struct Guarded<Value: ~Copyable>: ~Copyable {
    @usableFromInline let mutex: Mutex<Value>

    @inlinable
    package init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Calls `body` with the lock held. Not to be nested with the same lock.
    @inlinable @inline(__always)
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        assert(ThreadRules.willLock())
        defer { assert(ThreadRules.didUnlock()) }
        return try mutex.withLock(body)
    }
}

extension Guarded: Sendable where Value: ~Copyable {}

import Platform
public import Synchronization

/// A fixed set of counters, one for each case of `Key`, that belongs to one writing thread.
///
/// The writer pays a plain load, add and store: no locked instruction and no cache line shared with another writer.
/// Any thread may read; a value read is one that the counter has had.
///
/// The type and its keys are public, though nobody outside of the package sees them: what is inlinable of a type that is not,
/// another module only calls, and where the type is generic by way of its key's witness table.
public final class Counters<Key: CounterKey>: @unchecked Sendable {
    /// Atomic, relaxed: counters. Written by the owning thread only.
    @usableFromInline let values: UnsafeMutablePointer<Atomic<UInt64>>

    package init() {
        // A line before and after, so that no other thread's data shares one with the counters.
        let padding = 8
        let count = Key.allCases.count
        let storage = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count + 2 * padding)
        for index in 0..<(count + 2 * padding) { (storage + index).initialize(to: Atomic(0)) }
        values = storage + padding
    }

    deinit {
        (values - 8).deallocate()
    }

    /// Adds to a counter. The owning thread only.
    @inlinable
    package func add(_ key: Key, _ amount: UInt64 = 1) {
        let value = values + key.rawValue
        value.pointee.store(value.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// The present value of a counter. Any thread.
    package subscript(_ key: Key) -> UInt64 {
        values[key.rawValue].load(ordering: .relaxed)
    }
}

/// What a set of counters counts: raw values are 0, 1, 2 … in the order of the cases.
public protocol CounterKey: RawRepresentable<Int>, CaseIterable, Sendable {}

/// The counters of all threads of one kind, added up when somebody asks. Any thread.
package final class CounterGroup<Key: CounterKey>: Sendable {
    private let members = Guarded<[Counters<Key>]>([])
    /// What members that are gone have counted.
    private let past = Counters<Key>()

    package init() {}

    /// A new set for a thread that starts. What it counts stays in the sums after the thread has ended.
    package func makeCounters() -> Counters<Key> {
        let counters = Counters<Key>()
        members.withLock { $0.append(counters) }
        return counters
    }

    /// Takes a set out whose thread has ended. What it has counted stays in the sums.
    package func retire(_ counters: Counters<Key>) {
        members.withLock { members in
            guard let index = members.firstIndex(where: { $0 === counters }) else { return }
            members.remove(at: index)
            for key in Key.allCases { past.add(key, counters[key]) }
        }
    }

    /// The sum over all threads.
    package subscript(_ key: Key) -> UInt64 {
        members.withLock { $0.reduce(past[key]) { $0 &+ $1[key] } }
    }
}

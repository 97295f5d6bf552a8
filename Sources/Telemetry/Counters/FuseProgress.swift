import Synchronization

/// How many requests each FUSE thread of one mount has answered, in memory that another process may share: whoever sees
/// requests wait and no sum rise knows that the mount stands still.
package struct FuseProgress: @unchecked Sendable {
    /// Atomic, relaxed: counters, each written by one thread only.
    private let memory: UnsafeMutableRawPointer

    /// One for each FUSE thread there may be: 64 that answer, and as many as half of them again that are stuck.
    package static let threads = 96
    private static let lineBytes = 64
    package static let byteCount = threads * lineBytes

    /// - Parameter memory: `byteCount` bytes of zeros, aligned to 64, that are never freed.
    package init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    /// The counter of FUSE thread `index`, a cache line of its own.
    package func counter(_ index: Int) -> ThreadProgress {
        ThreadProgress(value: value(index))
    }

    /// Requests answered by all threads.
    package var sum: UInt64 {
        (0..<Self.threads).reduce(0) { $0 &+ value($1).pointee.load(ordering: .relaxed) }
    }

    private func value(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        precondition(index < Self.threads)
        return (memory + index * Self.lineBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}

/// One FUSE thread's count of the requests it has answered. The thread's own to write.
package struct ThreadProgress: @unchecked Sendable {
    fileprivate let value: UnsafeMutablePointer<Atomic<UInt64>>

    package func add() {
        value.pointee.store(value.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}

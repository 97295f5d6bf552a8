import Glibc
import Platform
import Synchronization
package import Testing

/// A task executor that is one thread of its own: a test that waits for a server on it holds up nobody else, while
/// Swift's cooperative pool, with as many threads as processors, would stand still.
package final class DedicatedThread: TaskExecutor, @unchecked Sendable {
    private let jobs = Mutex<[UnownedJob]>([])
    private let available = CountingSemaphore()
    private let isEnding = Atomic(false)
    private var thread: NamedThread?

    package init(_ name: String) throws {
        thread = try NamedThread(name, stackBytes: 8 << 20) { [self] in run() }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        available.signal()
    }

    /// Ends the thread. Not from itself.
    package func end() {
        isEnding.store(true, ordering: .releasing)
        available.signal()
        thread?.join()
        thread = nil
    }

    private func run() {
        while true {
            available.wait()
            let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let job {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if isEnding.load(ordering: .acquiring) {
                return
            }
        }
    }
}

/// A counting semaphore (`sem_t`).
private final class CountingSemaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 {} }
}

/// Runs each test function of a suite on a thread of its own.
package struct DedicatedThreadTrait: SuiteTrait, TestTrait, TestScoping {
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let thread = try DedicatedThread("test")
        defer { thread.end() }
        try await withTaskExecutorPreference(thread) { try await function() }
    }
}

extension Trait where Self == DedicatedThreadTrait {
    package static var onDedicatedThread: Self { DedicatedThreadTrait() }
}

/// Runs `body` on `count` threads at once, `client-0` and so on, and waits for them all. What one of them throws is
/// thrown again; expectations belong to the caller, which is the test.
package func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let threads = try ClientThreads(count, body)
    try threads.join()
}

/// Threads that run beside the test until they are joined.
package final class ClientThreads: Sendable {
    private let threads: [NamedThread]
    private let failures: Failures

    package init(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        let failures = Failures()
        self.failures = failures
        threads = try (0..<count).map { index in
            try NamedThread("client-\(index)") {
                do { try body(index) } catch { failures.add(error) }
            }
        }
    }

    package func join() throws {
        for thread in threads { thread.join() }
        if let first = failures.first { throw first }
    }
}

/// What tells threads that they are done.
package final class SharedFlag: Sendable {
    private let value = Atomic(false)

    package init() {}

    package var isSet: Bool { value.load(ordering: .relaxed) }

    package func set() { value.store(true, ordering: .relaxed) }
}

/// What threads count together.
package final class SharedCount: Sendable {
    private let count = Atomic(0)

    package init() {}

    package var value: Int { count.load(ordering: .relaxed) }

    package func add() { count.add(1, ordering: .relaxed) }
}

/// The errors of several threads.
private final class Failures: Sendable {
    private let errors = Mutex<[any Error]>([])

    var first: (any Error)? { errors.withLock { $0.first } }

    func add(_ error: any Error) { errors.withLock { $0.append(error) } }
}

import CTestCalls
import Glibc
import Platform
import Synchronization

/// How long the machine let nothing run: a virtual machine's processors are taken away, for up to tenths of a second, when its
/// neighbours want them. A thread on each processor sleeps for a moment, again and again; what it oversleeps is time in which
/// nothing ran there. It has a real-time priority, so that work of our own does not count; where that is not permitted, work
/// of ours that keeps it waiting does.
package enum MachineStalls {
    /// For each processor, so far. The first look starts the threads. Any thread.
    package static var nanoseconds: [UInt64] { meter.totals.map { $0.nanoseconds.load(ordering: .relaxed) } }

    /// A stall is known this long after its end.
    package static let knownAfterMicroseconds: UInt32 = 15_000

    private static let meter = Meter()
}

private final class Meter: Sendable {
    final class Total: Sendable {
        let nanoseconds = Atomic<UInt64>(0)
    }

    /// One for each processor.
    let totals: [Total]
    private let threads = Guarded<[NamedThread]>([])

    /// A timer's and a scheduler's ordinary delay is no stall.
    private static let stallNanosecondsMin: UInt64 = 10_000_000
    private static let sleepMicroseconds: UInt32 = 5000
    /// Of SCHED_FIFO, from 1 to 99.
    private static let priority: CInt = 50

    init() {
        totals = (0..<sysconf(CInt(_SC_NPROCESSORS_ONLN))).map { _ in Total() }
        for (processor, total) in totals.enumerated() {
            // Without one, no stall is told there.
            guard let thread = try? NamedThread("stalls-\(processor)", body: { Self.run(on: processor, total) }) else {
                continue
            }
            threads.withLock { $0.append(thread) }
        }
    }

    private static func run(on processor: Int, _ total: Total) {
        guard test_run_on_processor(UInt32(processor)) == 0 else { return }
        var parameters = sched_param(sched_priority: priority)
        sched_setscheduler(0, SCHED_FIFO, &parameters)
        while true {
            let start = Clock.monotonicNanoseconds
            usleep(sleepMicroseconds)
            let slept = Clock.monotonicNanoseconds - start
            if slept > stallNanosecondsMin {
                total.nanoseconds.add(slept - UInt64(sleepMicroseconds) * 1000, ordering: .relaxed)
            }
        }
    }
}

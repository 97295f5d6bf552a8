import Glibc
import Platform
import TestSupport
import Testing

@testable import Telemetry

/// Whether the kernel lets this process record its own threads.
private let mayRecord = (try? ThreadEvents(threadID: NamedThread.currentID)) != nil

@Suite(.timeLimit(.minutes(1)))
struct KernelEventsTests {
    /// Threads come and go while a mount is stuck: what they hold goes with them, what they did stays.
    @Test(.enabled(if: mayRecord, "perf_event_open is not allowed here"))
    func aThreadThatHasEndedIsLetGoOfAndItsSwitchesStay() throws {
        let kernel = KernelEvents()
        let identifiers = Guarded<[Int32]>([])
        let done = SharedFlag()
        let thread = try NamedThread("sleeper") {
            identifiers.withLock { $0.append(NamedThread.currentID) }
            while !done.isSet { usleep(1000) }
        }
        #expect(eventually(seconds: 10) { identifiers.withLock { !$0.isEmpty } })
        let number = identifiers.withLock { $0[0] }
        kernel.addThreads(fuseThreads: [number])
        #expect(kernel.recordedThreads.contains(number))
        func hasSlept() -> Bool {
            kernel.drain()
            return kernel.switches[number]?.voluntary ?? 0 >= 10
        }
        #expect(eventually(seconds: 10, hasSlept))
        done.set()
        thread.join()
        func isLetGo() -> Bool {
            kernel.addThreads(fuseThreads: [])
            return !kernel.recordedThreads.contains(number)
        }
        #expect(eventually(seconds: 10, isLetGo))
        let switches = try #require(kernel.switches[number])
        #expect(switches.voluntary >= 10)
        #expect(switches.pauses.count >= 9)
        #expect(kernel.names[number] == "sleeper")
        #expect(kernel.recordedThreads.contains(NamedThread.currentID))
        kernel.end()
        #expect(kernel.switches[number]?.voluntary == switches.voluntary)
        #expect(kernel.recordedThreads.isEmpty)
    }
}

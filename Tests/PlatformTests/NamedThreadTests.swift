import Glibc
import Platform
import Synchronization
import Testing

@Suite struct NamedThreadTests {
    @Test func runsItsBodyUnderItsNameAndCanBeJoined() throws {
        let name = Mutex("")
        let thread = try NamedThread("fuse-7") {
            let file = fopen("/proc/thread-self/comm", "r")!
            var line = [CChar](repeating: 0, count: 32)
            fgets(&line, 32, file)
            fclose(file)
            name.withLock { $0 = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } }
        }
        thread.join()
        #expect(name.withLock { $0 } == "fuse-7\n")
    }

    @Test(.timeLimit(.minutes(1)))
    func anInterruptionEndsABlockedSystemCall() throws {
        let hasEnded = Atomic(false)
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        let reader = ends[0]
        let result = Atomic(0)
        let thread = try NamedThread("reader") {
            var byte: UInt8 = 0
            let count = read(reader, &byte, 1)
            result.store(count < 0 && errno == EINTR ? 1 : 2, ordering: .relaxed)
            hasEnded.store(true, ordering: .releasing)
        }
        while !hasEnded.load(ordering: .acquiring) {
            thread.interrupt(with: Signals.interruption)
            usleep(1000)
        }
        thread.join()
        #expect(result.load(ordering: .relaxed) == 1)
        close(ends[0])
        close(ends[1])
    }

    @Test(.timeLimit(.minutes(1)))
    func aWakeUpIsSeenOnceAndThenCleared() throws {
        let wakeUp = try WakeUp()
        var descriptor = pollfd(fd: wakeUp.rawValue, events: Int16(POLLIN), revents: 0)
        #expect(poll(&descriptor, 1, 0) == 0)
        wakeUp.signal()
        wakeUp.signal()
        #expect(poll(&descriptor, 1, 0) == 1)
        wakeUp.clear()
        #expect(poll(&descriptor, 1, 0) == 0)
    }
}

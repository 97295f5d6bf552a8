import Glibc
import Synchronization
import Testing

@testable import Platform

@Suite struct ThreadUsageSumsTests {
    private func usage(_ name: String, _ thread: Int32, _ switches: UInt64, _ nanoseconds: UInt64) -> ThreadUsage {
        ThreadUsage(
            name: name, threadID: thread, voluntarySwitches: switches, involuntarySwitches: switches / 2,
            processorNanoseconds: nanoseconds)
    }

    @Test func threadsOfANameAreAddedUpAndLookedAtAgainAreNotCountedTwice() {
        var sums = ThreadUsageSums()
        for round in UInt64(1)...3 {
            sums.note(usage("http-0", 7, 10 * round, 1000 * round))
            sums.note(usage("http-1", 8, round, round))
        }
        sums.note(usage("http-0", 9, 5, 500), isLast: true)
        #expect(
            sums.byName == [
                ThreadUsage(
                    name: "http-0", threadID: 7, voluntarySwitches: 35, involuntarySwitches: 17,
                    processorNanoseconds: 3500),
                ThreadUsage(
                    name: "http-1", threadID: 8, voluntarySwitches: 3, involuntarySwitches: 1, processorNanoseconds: 3),
            ])
    }

    @Test func whatAThreadUsesForItsEndCountsOnce() {
        var sums = ThreadUsageSums()
        sums.note(usage("a", 7, 10, 1000))
        sums.note(usage("a", 7, 12, 1200), isLast: true)
        // It is in /proc still.
        sums.note(usage("a", 7, 13, 1300))
        #expect(sums.byName.map(\.processorNanoseconds) == [1300])
        sums.keepThreads { _ in false }
        let sum = ThreadUsage(
            name: "a", threadID: 0, voluntarySwitches: 13, involuntarySwitches: 6, processorNanoseconds: 1300)
        #expect(sums.byName == [sum])
    }

    /// The kernel gives ids again; whoever has used more than the one before under the same id is told by its beginning.
    @Test func anotherThreadOfTheSameIdBeginsAtZero() {
        var sums = ThreadUsageSums()
        sums.note(usage("a", 7, 10, 1000), isLast: true)
        sums.begin(7)
        sums.note(usage("b", 7, 20, 2000))
        // This one has not said that it begins, and has been switched less often than the one before.
        sums.note(usage("c", 7, 1, 30))
        #expect(sums.byName.map(\.name) == ["a", "b", "c"])
        #expect(sums.byName.map(\.processorNanoseconds) == [1000, 2000, 30])
        #expect(sums.byName.map(\.threadID) == [0, 0, 7])
        // Begun already when it was first seen: that was the same one.
        sums.begin(7)
        sums.note(usage("c", 7, 2, 50))
        #expect(sums.byName.last?.processorNanoseconds == 50)
    }

    @Test func aClockThatIsReadALittleLateDoesNotTakeTimeBack() {
        var sums = ThreadUsageSums()
        sums.note(usage("a", 7, 10, 1000))
        sums.note(usage("a", 7, 10, 999))
        #expect(sums.byName.map(\.processorNanoseconds) == [1000])
        sums.note(usage("a", 7, 11, 1100))
        #expect(sums.byName.map(\.processorNanoseconds) == [1100])
    }

    @Test func aThreadThatTakesAnotherNameLeavesWhatItHasUsedToTheFirst() {
        var sums = ThreadUsageSums()
        sums.note(usage("serverfs", 7, 1, 100))
        sums.note(usage("http-0", 7, 3, 900))
        #expect(sums.byName.map(\.name) == ["http-0", "serverfs"])
        #expect(sums.byName.map(\.processorNanoseconds) == [800, 100])
        #expect(sums.byName.map(\.threadID) == [7, 0])
    }

    /// 192 threads, of which each is looked at once a second, all busy and switched 100,000 times a second.
    @Test func aDayOfThreadsAddsUpExactlyAndTakesNoMoreMemory() {
        var sums = ThreadUsageSums()
        for second in stride(from: UInt64(0), through: 86_400, by: 432) {
            for thread in Int32(1)...192 {
                sums.note(usage("fuse", thread, second * 100_000, second * 1_000_000_000))
            }
        }
        #expect(sums.threadCount == 192)
        #expect(
            sums.byName.map(\.processorNanoseconds) == [192 * 86_400_000_000_000]
                && sums.byName.map(\.voluntarySwitches) == [192 * 8_640_000_000])
        sums.note(usage("fuse", 193, .max, .max))
        // It goes on from zero, and nothing traps.
        #expect(sums.byName.map(\.processorNanoseconds) == [192 * 86_400_000_000_000 - 1])
    }

    @Test func manyThreadsThatAreGoneAreForgotten() {
        var sums = ThreadUsageSums()
        for thread in Int32(1)...100_000 {
            sums.begin(thread)
            sums.note(usage("short", thread, 2, 10), isLast: true)
            if sums.isFull { sums.keepThreads { $0 > thread - 100 } }
            #expect(sums.threadCount <= 257)
        }
        #expect(sums.byName.map(\.processorNanoseconds) == [1_000_000])
        // Where many are still there, they are not all looked at again and again.
        for thread in Int32(1)...1000 { sums.note(usage("long", thread, 0, 0)) }
        sums.keepThreads { $0 <= 1000 }
        #expect(!sums.isFull)
        for thread in Int32(1001)...1999 { sums.note(usage("long", thread, 0, 0)) }
        #expect(!sums.isFull)
    }
}

@Suite(.timeLimit(.minutes(2))) struct ThreadUsageTests {
    private static func usage(_ name: String) -> ThreadUsage? { ThreadUsage.all().first { $0.name == name } }

    /// Uses so much processor time, however long that takes.
    private static func spin(nanoseconds: UInt64) {
        func used() -> UInt64 {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
        let end = used() + nanoseconds
        while used() < end {}
    }

    @Test func whatAThreadHasUsedIsKnownWhileItRunsAndAfterItsEnd() throws {
        let (ready, go) = (try WakeUp(), try WakeUp())
        let identifier = Atomic<Int32>(0)
        let thread = try NamedThread("usage-a") {
            for _ in 0..<20 { usleep(100) }
            Self.spin(nanoseconds: 5_000_000)
            identifier.store(NamedThread.currentID, ordering: .releasing)
            ready.signal()
            var wait = pollfd(fd: go.rawValue, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, -1)
        }
        var wait = pollfd(fd: ready.rawValue, events: Int16(POLLIN), revents: 0)
        poll(&wait, 1, -1)
        let running = try #require(Self.usage("usage-a"))
        #expect(running.threadID == identifier.load(ordering: .acquiring))
        #expect(running.voluntarySwitches >= 20)
        #expect((5_000_000...1_000_000_000).contains(running.processorNanoseconds))
        go.signal()
        thread.join()
        // In /proc it may stay for a moment.
        for _ in 0..<1000 where Self.usage("usage-a")?.threadID != 0 { usleep(1000) }
        let ended = try #require(Self.usage("usage-a"))
        #expect(ended.threadID == 0)
        #expect(ended.voluntarySwitches >= running.voluntarySwitches)
        #expect(ended.processorNanoseconds >= running.processorNanoseconds)
        #expect(ended.processorNanoseconds < running.processorNanoseconds + 100_000_000)
    }

    /// In a process of its own: its limit is its own, too.
    @Test func withoutADescriptorFiguresStayWhatTheyWere() async {
        await #expect(processExitsWith: .success) {
            let done = Atomic(false)
            let naps = (0..<4).map { _ in Naps() }
            let threads = (0..<4).map { index in
                try! NamedThread("busy-\(index)") {
                    while !done.load(ordering: .relaxed) { naps[index].take() }
                }
            }
            for each in naps { each.wait(for: 20) }
            let before = ThreadUsage.all()
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            let former = limit.rlim_cur
            limit.rlim_cur = 0
            setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            precondition(open("/proc/self/stat", O_RDONLY) == -1 && errno == EMFILE)
            precondition(ThreadUsage.all() == before)
            for each in naps { each.wait(for: 20) }
            // What they have used meanwhile is counted at their end.
            done.store(true, ordering: .relaxed)
            for thread in threads { thread.join() }
            let without = ThreadUsage.all()
            limit.rlim_cur = former
            setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            let after = ThreadUsage.all()
            for index in 0..<4 {
                let figures = [before, without, after].map { $0.first { $0.name == "busy-\(index)" }! }
                precondition(figures[0].voluntarySwitches > 10)
                precondition(figures[1].voluntarySwitches > figures[0].voluntarySwitches)
                precondition(figures[1].processorNanoseconds > figures[0].processorNanoseconds)
                precondition(figures[2].voluntarySwitches >= figures[1].voluntarySwitches)
                precondition(figures[2].processorNanoseconds >= figures[1].processorNanoseconds)
            }
        }
    }

    /// In a process of its own, so that nobody else's memory is counted. Nobody asks for the figures of the first 100,000.
    @Test func aHundredThousandThreadsLeaveTheirFiguresAndNoMemory() async {
        await #expect(processExitsWith: .success) {
            func run(_ count: Int) {
                for _ in 0..<count { try! NamedThread("short", stackBytes: 128 << 10) { sched_yield() }.join() }
            }
            run(2000)
            let first = ThreadUsage.all().first { $0.name == "short" }!
            let before = residentBytes()
            run(100_000)
            let grown = residentBytes() - before
            let last = ThreadUsage.all().first { $0.name == "short" }!
            let nanoseconds = last.processorNanoseconds - first.processorNanoseconds
            // A thread cannot begin and end in less than a microsecond, nor have them all used a millisecond.
            precondition((100_000_000...100_000_000_000).contains(nanoseconds), "\(nanoseconds) ns")
            precondition(grown < 1 << 20, "\(grown) bytes more")
            precondition(ThreadUsage.all().filter { $0.name == "short" }.count == 1)
        }
    }
}

/// A thread's short sleeps, each of which is a context switch.
private final class Naps: Sendable {
    private let count = Atomic(0)

    func take() {
        usleep(100)
        count.add(1, ordering: .relaxed)
    }

    /// Waits until there are so many more.
    func wait(for more: Int) {
        let end = count.load(ordering: .relaxed) + more
        while count.load(ordering: .relaxed) < end { usleep(1000) }
    }
}

/// What this process has in memory.
private func residentBytes() -> Int {
    let fields = try! Processes.contents("/proc/self/statm").split(separator: UInt8(ascii: " "))
    return Int(String(decoding: fields[1], as: UTF8.self))! * Int(sysconf(CInt(_SC_PAGESIZE)))
}

import Glibc
import Synchronization
import Testing

@testable import Platform

/// Whether the kernel lets this process record its own threads.
private let mayRecord = (try? ThreadEvents(threadID: NamedThread.currentID)) != nil

@Suite(.timeLimit(.minutes(1)))
struct ThreadEventsTests {
    @Test(.enabled(if: mayRecord, "perf_event_open is not allowed here"))
    func everySwitchOfAThreadIsRecordedWithItsTime() throws {
        let identifier = Atomic<Int32>(0)
        let (ready, go) = (try WakeUp(), try WakeUp())
        let sleeps = 200
        let thread = try NamedThread("sleeper") {
            identifier.store(NamedThread.currentID, ordering: .releasing)
            ready.signal()
            var wait = pollfd(fd: go.rawValue, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, -1)
            for _ in 0..<sleeps { usleep(100) }
            go.clear()
            ready.signal()
            poll(&wait, 1, -1)
        }
        func waitUntilReady() {
            var wait = pollfd(fd: ready.rawValue, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, -1)
            ready.clear()
        }
        waitUntilReady()
        let number = identifier.load(ordering: .acquiring)
        Self.waitUntilAtRest(number)
        let events = try ThreadEvents(threadID: number)
        let before = try #require(Self.switches(of: number))
        let start = Clock.monotonicNanoseconds
        go.signal()
        waitUntilReady()
        Self.waitUntilAtRest(number)
        let after = try #require(Self.switches(of: number))
        var outs = (voluntary: 0, involuntary: 0)
        var last = start
        var isOut = true
        events.drain { record in
            switch record {
            case .switchedOut(let nanoseconds, let isPreempted):
                if isPreempted { outs.involuntary += 1 } else { outs.voluntary += 1 }
                #expect(nanoseconds >= last && !isOut)
                (last, isOut) = (nanoseconds, true)
            case .switchedIn(let nanoseconds):
                #expect(nanoseconds >= last && isOut)
                (last, isOut) = (nanoseconds, false)
            case .tracepoint, .lost: Issue.record("\(record)")
            }
        }
        go.signal()
        thread.join()
        #expect(last < Clock.monotonicNanoseconds)
        #expect(outs.voluntary >= sleeps)
        #expect(outs.voluntary == after.voluntary - before.voluntary)
        #expect(outs.involuntary == after.involuntary - before.involuntary)
    }

    /// Waits until a thread sleeps, and has not been switched for 10 ms.
    private static func waitUntilAtRest(_ thread: Int32) {
        var before: (voluntary: Int, involuntary: Int)?
        for _ in 0..<1000 {
            let now = sleeps(thread) ? switches(of: thread) : nil
            if let before, let now, before == now { return }
            before = now
            usleep(10_000)
        }
        Issue.record("the thread does not come to rest")
    }

    /// Whether it is in state S (`proc_pid_stat(5)`).
    private static func sleeps(_ thread: Int32) -> Bool {
        guard let line = try? Processes.contents("/proc/self/task/\(thread)/stat"),
            let nameEnd = line.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        return line[nameEnd...].dropFirst(2).first == UInt8(ascii: "S")
    }

    private static func switches(of thread: Int32) -> (voluntary: Int, involuntary: Int)? {
        guard let usage = ThreadUsage.all().first(where: { $0.threadID == thread }) else { return nil }
        return (Int(usage.voluntarySwitches), Int(usage.involuntarySwitches))
    }

    @Test func aThreadThatIsGoneCannotBeRecorded() throws {
        #expect(throws: Errno.self) { try ThreadEvents(threadID: .max) }
    }

    @Test func aTracepointsFieldsAreFoundByName() {
        let tracepoint = Tracepoint(
            number: 7,
            format: """
                name: fuse_request_send
                ID: 7
                format:
                \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

                \tfield:dev_t connection;\toffset:8;\tsize:4;\tsigned:0;
                \tfield:u64 unique;\toffset:16;\tsize:8;\tsigned:0;

                print fmt: "connection %u", REC->connection
                """)
        #expect(tracepoint.number == 7)
        #expect(tracepoint.offset(of: "unique", byteCount: 8) == 16)
        #expect(tracepoint.offset(of: "unique", byteCount: 4) == nil)
        #expect(tracepoint.offset(of: "opcode", byteCount: 4) == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root sees tracefs"))
    func theKernelsFuseTracepointsNameTheirRequest() throws {
        for name in ["fuse/fuse_request_send", "fuse/fuse_request_end"] {
            #expect(try Tracepoint(name).offset(of: "unique", byteCount: 8) != nil)
        }
        #expect(throws: Errno.noSuchFileOrDirectory) { try Tracepoint("fuse/none") }
    }
}

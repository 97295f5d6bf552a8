import Glibc
import Testing

extension EndToEnd {
    /// What the machine takes away is not held against serverfs.
    @Suite(.timeLimit(.minutes(1)))
    struct StopwatchTests {
        @Test func whatNothingTakesAwayCounts() {
            var counted = 0.0
            // A stall that began before the start is taken off as a whole, and may leave nothing of one try.
            for _ in 1...5 where counted == 0 {
                let stopwatch = Stopwatch()
                usleep(100_000)
                #expect(stopwatch.wallSeconds >= 0.1)
                counted = stopwatch.seconds
            }
            #expect(counted > 0)
        }

        /// A program of the highest priority on each processor: nothing else runs meanwhile.
        @Test(.enabled(if: Capability.mayTakeProcessors, "no program may have a real-time priority here"))
        func aStallOfAllProcessorsDoesNotCount() throws {
            let folder = try PrivateFolder()
            let stopwatch = Stopwatch()
            // They end by their own clock: nobody could end them.
            let script = "end=$((${EPOCHREALTIME/./} + 400000)); while ((${EPOCHREALTIME/./} < end)); do :; done"
            let hogs = try (0..<sysconf(CInt(_SC_NPROCESSORS_ONLN))).map { processor in
                try ChildProcess(
                    ["taskset", "-c", "\(processor)", "chrt", "-f", "90", "bash", "-c", script], in: folder)
            }
            for hog in hogs { #expect(hog.wait(seconds: 10) != nil) }
            #expect(stopwatch.wallSeconds >= 0.4)
            #expect(stopwatch.seconds < stopwatch.wallSeconds - 0.3)
        }
    }
}

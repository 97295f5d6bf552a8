import Glibc
import Platform
import Testing

extension EndToEnd {
    /// The ends that leave no time for anything: the process must be gone, whatever it was doing on its own mount.
    @Suite(.timeLimit(.minutes(2)))
    struct KillTests {
        /// What was found to hang before the kernel was taught, at the start, that FLUSH is not answered: files of the mount
        /// are open, and none has been closed yet. With a warm cache: a request that a FUSE thread has read and can no longer
        /// answer, as under `--fuse-cache none`, is another matter. The quickest of three counts: one thread ends after the other,
        /// and each may have to wait for a processor.
        @Test(
            .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"),
            arguments: [
                [], ["--fuse-open", "per-open"], ["--fuse-open", "passthrough"], ["--fuse-open", "retained"],
                ["--fuse-cache", "none"],
            ])
        func aKilledServerIsGoneAtOnce(_ options: [String]) throws {
            var times: [Double] = []
            for _ in 1...3 {
                let site = try Site(["file": String(repeating: "x", count: 26_400)], options: options)
                let load = try ChildProcess(
                    ["wrk", "-t1", "-c50", "-d2s", "http://127.0.0.1:\(site.server.port)/file"], in: site.folder)
                usleep(UInt32.random(in: 200_000...600_000))
                times.append(seconds { #expect(site.server.stop(SIGKILL, seconds: 5) == .signaled(SIGKILL)) })
                _ = load.wait(seconds: 5)
            }
            #expect(times.contains { $0 < 1 }, "\(times)")
        }

        /// Swift's runtime stops a crashed process's threads by signals, of which the thread that waits for signals must not
        /// take one: it would wait for the rest for ever. The signal from outside is not raised again after the trace, as a
        /// real fault is: hence the second.
        @Test(arguments: [SIGSEGV, SIGILL, SIGABRT])
        func aCrashIsReportedAndEndsTheProcess(_ signal: CInt) throws {
            let site = try Site(["file": "x"])
            #expect(try site.fetch(.mount, "/file").status == 200)
            site.server.signal(signal)
            let isReported = eventually(seconds: 30) { site.server.process.errorOutput.contains("Backtrace took") }
            #expect(isReported)
            // The trace is printed a moment before the handler is done, and a second signal in that moment would be one to
            // another thread, which would wait for the first.
            sleep(2)
            #expect(site.server.stop(signal, seconds: 5) == .signaled(signal))
        }
    }
}

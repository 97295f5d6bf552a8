import Glibc

/// Signals, as something that waiting returns from: nothing is ever done in a handler, and there is only one thread.
/// SIGINT, SIGTERM, SIGHUP and SIGPIPE stay blocked; every pause of the benchmark takes them here and throws, so the
/// processes and the directory are cleaned up by the same `defer`s as after any other failure.
enum Interrupt {
    private static let endingSignals: [(number: Int32, name: String)] = [
        (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGPIPE, "SIGPIPE"),
    ]

    /// Blocks the signals. To be called first of all; children are started with none of them blocked.
    static func prepare() {
        var set = signalSet
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
    }

    /// The signals that are blocked here, and so must be given back to a child. SIGCHLD is one of them, so that
    /// `pause` ends at once when a child does.
    static var signalSet: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGCHLD)
        for signal in endingSignals { unsafe sigaddset(&set, signal.number) }
        return set
    }

    /// Sleeps, at most until a child ends. Throws when the user ends the benchmark meanwhile, or has before.
    static func pause(milliseconds: Int) throws {
        var set = signalSet
        var limit = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        let number = unsafe sigtimedwait(&set, nil, &limit)
        if let signal = endingSignals.first(where: { $0.number == number }) {
            throw BenchFailure(.interrupted(signal: number), "ended by \(signal.name)")
        }
    }

    /// Throws when the user has ended the benchmark, for work that does not wait.
    static func check() throws { try pause(milliseconds: 0) }
}

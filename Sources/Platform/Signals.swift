import Glibc

/// Signals, taken by one thread that waits for them instead of handlers that interrupt any.
package enum Signals {
    /// Blocks `signals` in the calling thread and in every thread it starts from now on (`pthread_sigmask(3)`).
    package static func block(_ signals: [CInt]) {
        var set = makeSet(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits until one of `signals`, all of them blocked, arrives (`sigwait(3)`).
    package static func wait(for signals: [CInt]) -> CInt {
        var set = makeSet(signals)
        while true {
            var signal: CInt = 0
            if sigwait(&set, &signal) == 0 { return signal }
        }
    }

    /// Makes a write to a closed connection an error (EPIPE) instead of the end of the process.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// A signal whose only effect is that a system call in which its thread waits returns EINTR. Not a real-time signal:
    /// these queue up when they are sent again and again.
    package static let interruption: CInt = {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = ignoreInterruption
        sigaction(SIGURG, &action, nil)
        return SIGURG
    }()

    /// Lets `interruption` reach the calling thread, whatever mask it was started with.
    static func unblockInterruption() {
        var set = makeSet([interruption])
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    private static func makeSet(_ signals: [CInt]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}

@c private func ignoreInterruption(_ signal: CInt) {}

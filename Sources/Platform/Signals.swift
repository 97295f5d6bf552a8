import CKernel
import Glibc

/// What the process does with signals that it does not take from a `SignalQueue`.
package enum Signals {
    /// Makes a write to a closed connection an error (EPIPE) instead of the end of the process.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Whether the process was started with `signal` ignored.
    package static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Whether a signal was sent, and is no failure of an instruction, which would fail again. In a signal's handler too.
    ///
    /// - Parameter code: `si_code`.
    package static func isSent(_ signal: CInt, code: CInt) -> Bool { kernel_is_sent(signal, code) != 0 }

    /// A signal whose only effect is that a system call in which its thread waits returns EINTR. Not a real-time signal:
    /// these queue up when they are sent again and again.
    package static let interruption: CInt = {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = ignoreInterruption
        sigaction(SIGURG, &action, nil)
        return SIGURG
    }()

    /// Lets `interruption` reach the calling thread, and what `FileMapping.byte(at:)` catches, whatever mask it was started
    /// with.
    static func unblockOwn() {
        var set = makeSet([interruption, SIGBUS])
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    fileprivate static func makeSet(_ signals: [CInt]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}

@c private func ignoreInterruption(_ signal: CInt) {}

/// Signals, taken one after the other by one thread instead of by handlers that interrupt any (`signalfd(2)`).
///
/// Not `sigwait`: it would also take the signals by which Swift's runtime stops the threads of a crashed process, and the
/// process would wait for ever instead of ending.
package final class SignalQueue: Sendable {
    private let descriptor: OwnedDescriptor

    /// Blocks `signals` in the calling thread, and so in every thread it starts from now on, and queues them.
    package init(_ signals: [CInt]) throws(Errno) {
        var set = Signals.makeSet(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var bits: UInt64 = 0
        for signal in signals { bits |= 1 << UInt64(signal - 1) }
        descriptor = OwnedDescriptor(adopting: CInt(try Errno.check(kernel_signalfd(bits))))
    }

    /// Waits for the next signal.
    package func next() -> CInt {
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { record in
            // struct signalfd_siginfo: 128 bytes, of which the first four are the signal's number.
            while read(descriptor.rawValue, record.baseAddress, 128) != 128 {}
            return CInt(record.load(as: UInt32.self))
        }
    }
}

import Glibc
import Platform
import Synchronization

/// Tells the watchdog of a crash, before Swift's runtime makes its trace.
///
/// For the trace every other thread is stopped by a signal and waited for. One that waits for an answer of our own mount takes
/// no signal, and the FUSE thread that would answer may be stopped already: process and clients would hang. The watchdog
/// aborts the mount's connection, then all threads can be stopped.
enum CrashSignals {
    private static let signals = [SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGTRAP]

    /// Puts a handler before those that are there. Once, in the server's process.
    static func tell(_ memory: WatchdogMemory) {
        crashFlag = memory.crash
        for signal in signals {
            sigaction(signal, nil, &previousActions[Int(signal)])
            var action = sigaction()
            action.__sigaction_handler.sa_sigaction = handleCrash
            action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
            sigaction(signal, &action, nil)
        }
    }
}

/// Set before the handlers are, and never again: a handler may read them at any time.
private nonisolated(unsafe) var crashFlag: UnsafeMutablePointer<Atomic<UInt64>>?
private nonisolated(unsafe) let previousActions: UnsafeMutablePointer<sigaction> = {
    let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 32)
    actions.initialize(repeating: sigaction(), count: 32)
    return actions
}()

/// In the thread that has crashed: nothing that allocates or locks.
@c private func handleCrash(
    _ signal: CInt, _ information: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
    crashFlag?.pointee.store(1, ordering: .releasing)
    let previous = previousActions + Int(signal)
    // SIG_DFL and SIG_IGN are no functions.
    if previous.pointee.sa_flags & SA_SIGINFO != 0, let handler = previous.pointee.__sigaction_handler.sa_sigaction {
        handler(signal, information, context)
    }
    Glibc.signal(signal, SIG_DFL)
    // A fault comes again when its instruction is tried again; what was sent does not.
    if let information, Signals.isSent(signal, code: information.pointee.si_code) { raise(signal) }
}

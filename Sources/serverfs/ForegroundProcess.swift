import Glibc
import Platform
import ServerCore

/// The process around a service: its signals, its exit status, and what it prints.
///
/// SIGTERM, SIGINT, SIGHUP and SIGQUIT end it in good order, and a second one at once; SIGUSR2 turns the bypass over;
/// SIGUSR1 prints the counters. A thread of its own, `signals`, waits for them, so that they are heard also while the main
/// thread starts or stops the service.
final class ForegroundProcess: Sendable {
    private let signals: SignalQueue
    private static let repetitionNanoseconds: UInt64 = 50_000_000
    private let service = Guarded<(any ForegroundService)?>(nil)
    private let ending: WakeUp
    /// nil without a mount.
    let watchdog: Watchdog?
    /// Whether it was started with a standard output.
    let hasOutput: Bool

    /// To be made on the main thread before any other thread is started.
    ///
    /// - Parameters:
    ///   - watching: whether there is going to be a mount, which needs a watchdog.
    ///   - stallSeconds: after how long a mount that stands still is aborted; nil for never.
    init(watching: Bool, stallSeconds: Int?) throws {
        hasOutput = Self.openStandardStreams()
        Signals.ignoreBrokenPipes()
        // First of all, while there is neither thread nor descriptor that it could inherit.
        watchdog = watching ? try Watchdog.start(stallSeconds: stallSeconds) : nil
        // Started by nohup(1), it is to stay when the terminal goes.
        let endingSignals = [SIGTERM, SIGINT, SIGQUIT] + (Signals.isIgnored(SIGHUP) ? [] : [SIGHUP])
        signals = try SignalQueue(endingSignals + [SIGUSR1, SIGUSR2])
        ending = try WakeUp()
        _ = try NamedThread("signals") { [self] in handleSignals() }
    }

    /// Starts the service. A failure is printed as one sentence and ends the process with status 1.
    func start<Service: ForegroundService>(_ body: () throws -> Service) throws -> Service {
        do {
            let started = try body()
            service.withLock { $0 = started }
            return started
        } catch {
            print("serverfs: \(error)", to: STDERR_FILENO)
            watchdog?.end()
            exit(1)
        }
    }

    /// Prints the banner, waits for an ending signal, stops the service, and ends the process.
    func run(_ service: some ForegroundService, banner: Banner) -> Never {
        print(banner.text, terminator: "", to: STDOUT_FILENO)
        var waits = [
            pollfd(fd: ending.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: service.endedDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watchdog?.endedDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        while waits[0].revents == 0, waits[1].revents == 0 {
            guard poll(&waits, 3, -1) > 0, waits[2].revents != 0 else { continue }
            waits[2] = pollfd(fd: -1, events: 0, revents: 0)
            watchdog?.reap()
            report("the watchdog process has ended: going on without it")
        }
        let hasEndedItself = waits[0].revents == 0
        if hasEndedItself { report("the mount was taken away: ending") }
        let hasEnded = service.stop()
        watchdog?.end()
        if !hasEnded {
            report("a thread is stuck in the docroot; leaving it")
            _exit(1)
        }
        _exit(hasEndedItself ? service.endedStatus : 0)
    }

    /// What some work beside a service came to.
    struct WorkResult {
        var text: String
        /// What went wrong nevertheless, in a sentence; nil when nothing did.
        var problem: String?
    }

    /// Does some work beside the service, stops the service, prints what the work gives, and ends the process.
    ///
    /// - Parameter work: ends early, with an error, when the descriptor it is given is readable.
    func run(_ service: some ForegroundService, work: (_ stopping: CInt) throws -> WorkResult) -> Never {
        let result = Result { try work(ending.rawValue) }
        let hasEnded = service.stop()
        watchdog?.end()
        if !hasEnded { report("a thread is stuck in the docroot; leaving it") }
        var isGood = hasEnded
        switch result {
        case .success(let result):
            do throws(Errno) {
                try Self.printAll(result.text)
            } catch {
                report("the standard output cannot be written to: \(error)")
                isGood = false
            }
            if let problem = result.problem {
                report(problem)
                isGood = false
            }
        case .failure(let error):
            report("\(error)")
            isGood = false
        }
        _exit(isGood ? 0 : 1)
    }

    /// Writes a text to the standard output, however long its reader takes.
    private static func printAll(_ text: String) throws(Errno) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            let code = errno
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if code == EAGAIN {
                var room = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
            } else if code != EINTR {
                throw Errno(rawValue: code)
            }
        }
    }

    /// Says something to the operator. Any thread.
    func report(_ text: String) { print("serverfs: \(text)", to: STDERR_FILENO) }

    private func handleSignals() {
        var ending: (signal: CInt, nanoseconds: UInt64)?
        while true {
            let signal = signals.next()
            let service = service.withLock { $0 }
            switch signal {
            case SIGUSR1:
                if let service { print(service.metricsText + "# EOF", to: STDERR_FILENO) }
            case SIGUSR2:
                switch service?.toggleBypass() {
                case true: print("serverfs: bypass on: reading the docroot directly", to: STDERR_FILENO)
                case false: print("serverfs: bypass off: reading through the mount", to: STDERR_FILENO)
                default: print("serverfs: no bypass to toggle", to: STDERR_FILENO)
                }
            default:
                // timeout(1) and others signal the process, and at once its group: that is one wish, said twice.
                if let ending, ending.signal == signal,
                    Clock.monotonicNanoseconds - ending.nanoseconds < Self.repetitionNanoseconds
                {
                    continue
                }
                // While the service still starts, the watchdog takes away what has been made so far.
                if ending != nil {
                    service?.unmountAtOnce()
                    _exit(128 + signal)
                }
                ending = (signal, Clock.monotonicNanoseconds)
                self.ending.signal()
            }
        }
    }

    /// Writes a text, and gives up where nobody reads: no signal may go unheard because a pipe is full.
    private func print(_ text: String, terminator: String = "\n", to descriptor: CInt) {
        var bytes = Array((text + terminator).utf8)[...]
        while !bytes.isEmpty {
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&room, 1, 200) == 1 else { return }
            // No more than a pipe that has room at all is sure to take.
            let chunk = bytes.prefix(Int(PIPE_BUF))
            let count = chunk.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// A descriptor below 3 that is closed would be taken by the next file opened, and then be written to as a stream.
    ///
    /// - Returns: whether the standard output was open.
    private static func openStandardStreams() -> Bool {
        var hadOutput = true
        while true {
            let descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
            if descriptor == STDOUT_FILENO { hadOutput = false }
            if descriptor > STDERR_FILENO { close(descriptor) }
            if descriptor < 0 || descriptor > STDERR_FILENO { return hadOutput }
        }
    }
}

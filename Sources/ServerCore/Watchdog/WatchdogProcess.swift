import Glibc
import Platform

/// The watchdog process: what runs in the child that `Watchdog.start` forks, on its one thread, until there is nothing to
/// watch any more.
///
/// It has the pipe, a file of /proc and the control files of connections: no descriptor of /dev/fuse, which would keep a
/// connection alive, and no socket. It calls nothing that can wait for the mount.
struct WatchdogProcess {
    private let server: WatchedProcess
    private let memory: WatchdogMemory
    private let stallSeconds: Int?
    private var mounts = [WatchedMount?](repeating: nil, count: WatchdogMemory.places)
    private var received: [UInt8] = []
    private var looksUntilSettled = 0

    private static let messages: CInt = 3
    private static let lookMilliseconds: CInt = 100
    private static let lookNanoseconds = UInt64(lookMilliseconds) * 1_000_000
    /// Within this it has ended once the server has, whatever the file systems around the mount point do.
    private static let cleanUpSeconds: UInt32 = 10
    /// Not `serverfs…`: who runs `pkill -9 serverfs` means the server, and needs its watchdog then.
    static let name = "fuse-watchdog"

    /// - Parameters:
    ///   - messages: the pipe's end to read from.
    ///   - server: the parent's id, taken before the fork.
    static func run(messages: CInt, server: pid_t, memory: WatchdogMemory, stallSeconds: Int?) -> Never {
        Processes.setName(name)
        Processes.setArguments("\(name) of process \(server)")
        // A session of its own: what the terminal sends to its foreground group, it sends to the server.
        setsid()
        Self.settleSignals()
        chdir("/")
        Self.keepOnly(messages)
        var process = WatchdogProcess(
            server: WatchedProcess(server), memory: memory, stallSeconds: stallSeconds)
        process.watch()
        process.cleanUp()
        _exit(0)
    }

    private init(server: WatchedProcess, memory: WatchdogMemory, stallSeconds: Int?) {
        self.server = server
        self.memory = memory
        self.stallSeconds = stallSeconds
    }

    /// What ends a server must not end its watchdog before it; and a crash of the watchdog is its end, without the trace
    /// that Swift's runtime would make.
    private static func settleSignals() {
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP] {
            _ = Glibc.signal(signal, signal == SIGALRM ? SIG_DFL : SIG_IGN)
        }
        for signal in [SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGTRAP] { _ = Glibc.signal(signal, SIG_DFL) }
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
    }

    /// Lets go of every descriptor but the pipe's: whoever reads what the server writes must see its end.
    private static func keepOnly(_ messages: CInt) {
        let null = open("/dev/null", O_RDWR)
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null, stream) }
        if messages != Self.messages { dup2(messages, Self.messages) }
        _ = fcntl(Self.messages, F_SETFD, FD_CLOEXEC)
        Processes.closeAll(from: Self.messages + 1)
    }

    /// Watches until the server has ended, or cannot do anything but end.
    private mutating func watch() {
        var lastLook = Clock.monotonicNanoseconds
        while true {
            var event = pollfd(fd: Self.messages, events: Int16(POLLIN), revents: 0)
            // With nothing mounted there is nothing to look for but the pipe's end.
            let hasMounts = mounts.contains { $0 != nil }
            let count = poll(&event, 1, hasMounts ? Self.lookMilliseconds : -1)
            if count == 1, !receive() { return }
            let now = Clock.monotonicNanoseconds
            guard now - lastLook >= Self.lookNanoseconds else { continue }
            lastLook = now
            if hasMounts, server.isDying { return }
            if memory.crash.pointee.load(ordering: .acquiring) != 0 { for mount in mounts { mount?.abort() } }
            // What it takes to take a message, and to look for the first time, is not needed again for long.
            if looksUntilSettled > 0 {
                looksUntilSettled -= 1
                if looksUntilSettled == 0 { Processes.releaseText() }
            }
            for place in 0..<WatchdogMemory.places {
                guard let mount = mounts[place], mount.abortIfStalled(answered: memory.progress(place).sum, now: now)
                else { continue }
                memory.setState(place, .stalled)
                memory.countStall()
            }
        }
    }

    /// Takes what is in the pipe; false at its end.
    private mutating func receive() -> Bool {
        let count = withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { buffer in
            let count = read(Self.messages, buffer.baseAddress, buffer.count)
            if count > 0 { received += buffer[..<count] }
            return count
        }
        if count < 0 { return errno == EINTR }
        looksUntilSettled = 3
        while true {
            do throws(WatchdogMessage.Malformed) {
                guard let message = try WatchdogMessage.take(from: &received) else { return count > 0 }
                handle(message)
            } catch {
                // The server sees that its watchdog has ended, and says so.
                _exit(1)
            }
        }
    }

    private mutating func handle(_ message: WatchdogMessage) {
        switch message {
        case .willMount(let place, let isPrivate, let path):
            mounts[Int(place)] = WatchedMount(path: path, isPrivate: isPrivate)
        case .mounted(let place, let device, let mountID):
            guard let mount = mounts[Int(place)] else { return }
            do throws(Errno) {
                try mount.isMade(
                    device: device, mountID: mountID,
                    meter: stallSeconds.map { StallMeter(seconds: $0, lookNanoseconds: Self.lookNanoseconds) })
                memory.setState(Int(place), .watching)
            } catch {
                memory.setState(Int(place), .withoutControl, error: error)
            }
        case .unmounted(let place):
            mounts[Int(place)] = nil
        }
    }

    /// Leaves nothing of what the server has mounted: first everybody who waits is let go, which never waits itself.
    private mutating func cleanUp() {
        alarm(Self.cleanUpSeconds)
        // A mount that was announced may still be in the making.
        for _ in 1...5 {
            for mount in mounts { mount?.abort() }
            for place in mounts.indices where mounts[place]?.remove() == true { mounts[place] = nil }
            if mounts.allSatisfy({ $0 == nil }) { return }
            usleep(UInt32(Self.lookMilliseconds) * 1000)
        }
    }
}

import FoundationEssentials
import Glibc

/// A process that the benchmark has started, in a process group of its own, so that a Ctrl-C reaches the benchmark
/// alone. Its output goes to files: a full pipe can never hold it up while it is measured.
/// Whoever starts one calls `end`, whatever happens.
final class ChildProcess {
    enum Ending: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    let name: String
    let pid: pid_t
    let outputPath: String
    let errorPath: String
    private(set) var ending: Ending?

    /// `name` names the output files in `directory` too, so it is used once a directory.
    init(_ name: String, _ executable: String, _ arguments: [String], in directory: TemporaryDirectory) throws {
        self.name = name
        outputPath = directory.file("\(name).out")
        errorPath = directory.file("\(name).err")
        pid = try Self.spawn(executable, arguments, outputPath: outputPath, errorPath: errorPath)
    }

    var output: String { text(ofFile: outputPath) }
    var errorOutput: String { text(ofFile: errorPath) }

    /// How it ended, or nil while it runs.
    func poll() -> Ending? {
        guard ending == nil else { return ending }
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        ending = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
        return ending
    }

    /// Waits until it ends by itself, and gives nil if it has not within `limit`.
    func wait(atMost limit: Duration) throws -> Ending? {
        let deadline = Deadline(after: limit)
        while poll() == nil && !deadline.hasPassed {
            try Interrupt.pause(milliseconds: 100)
        }
        return ending
    }

    func signal(_ number: Int32) {
        guard poll() == nil else { return }
        kill(pid, number)
    }

    /// Ends it and what it has started: SIGTERM first, SIGKILL to its process group when that has not helped within
    /// `limit`. Not to be interrupted: a second Ctrl-C does not leave anything behind.
    func end(within limit: Duration = .seconds(5)) {
        signal(SIGTERM)
        if waitUninterrupted(atMost: limit) { return }
        note("\(name) (process \(pid)) did not end within \(limit) of SIGTERM and is killed")
        kill(-pid, SIGKILL)
        if !waitUninterrupted(atMost: limit) {
            note("\(name) (process \(pid)) cannot be killed: it hangs in the kernel")
        }
    }

    private func waitUninterrupted(atMost limit: Duration) -> Bool {
        let deadline = Deadline(after: limit)
        while poll() == nil && !deadline.hasPassed {
            usleep(5_000)
        }
        return ending != nil
    }
}

extension ChildProcess {
    private static func spawn(
        _ executable: String, _ arguments: [String], outputPath: String, errorPath: String
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Appended to, because the file is read while it is written.
        unsafe posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        var ownSignals = Interrupt.signalSet
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &ownSignals)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        let code = unsafe withCStrings([executable] + arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                unsafe posix_spawn(&pid, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else {
            throw BenchFailure(.unavailable, "\(executable) cannot be started: \(errorText(code))")
        }
        return pid
    }

    /// Lends an argument vector: C strings, then a null pointer.
    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let vector = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe vector.forEach { unsafe free($0) } }
        return unsafe body(vector)
    }
}

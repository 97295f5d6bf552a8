package import Glibc
package import Platform

/// How a process ended.
package enum EndStatus: Equatable {
    case exited(CInt)
    case signaled(CInt)
}

/// A process started by a test, with its output in files. It is ended, at the latest, when the last reference to it goes.
package final class ChildProcess: @unchecked Sendable {
    package let identifier: pid_t
    private let outputPath: String
    private let errorPath: String
    /// Kept until the process has gone: its files are in there.
    private let folder: PrivateFolder
    /// The test's thread only.
    private var status: EndStatus?

    /// What the process has written so far.
    package var output: String { Self.text(of: outputPath) }
    package var errorOutput: String { Self.text(of: errorPath) }

    /// - Parameters:
    ///   - arguments: the program, looked for in PATH, and its arguments.
    ///   - environment: added to the test's own.
    ///   - workingFolder: nil for the test's own.
    package init(
        _ arguments: [String], in folder: PrivateFolder, environment: [String: String] = [:],
        standardInput: CInt? = nil, workingFolder: String? = nil
    ) throws(Errno) {
        self.folder = folder
        let name = "\(folder.path)/.output-\(Clock.monotonicNanoseconds)"
        outputPath = "\(name)-1"
        errorPath = "\(name)-2"
        identifier = try Self.spawn(
            workingFolder.map { ["env", "-C", $0] + arguments } ?? arguments, standardInput: standardInput,
            output: outputPath, errorOutput: errorPath, environment: environment)
        Workspace.shared.register(identifier)
    }

    deinit {
        guard status == nil else { return }
        signal(SIGTERM)
        if wait(seconds: 3) == nil {
            signal(SIGKILL)
            _ = wait(seconds: 3)
        }
    }

    package func signal(_ number: CInt) {
        if status == nil { kill(identifier, number) }
    }

    /// Waits until the process ends; nil when it does not within `seconds`.
    package func wait(seconds: Double) -> EndStatus? {
        let deadline = Deadline(seconds: seconds)
        while status == nil {
            var information: CInt = 0
            if waitpid(identifier, &information, WNOHANG) == identifier {
                Workspace.shared.unregister(identifier)
                let signal = information & 0x7f
                status = signal == 0 ? .exited((information >> 8) & 0xff) : .signaled(signal)
            } else if deadline.hasPassed {
                return nil
            } else {
                usleep(1000)
            }
        }
        return status
    }

    /// Runs a program of the system to its end, its output thrown away.
    package static func run(_ arguments: [String]) -> EndStatus? {
        let identifier = try? spawn(
            arguments, standardInput: nil, output: "/dev/null", errorOutput: "/dev/null", environment: nil)
        var information: CInt = 0
        guard let identifier, waitpid(identifier, &information, 0) == identifier else { return nil }
        return .exited((information >> 8) & 0xff)
    }

    /// Starts a process with no signal blocked (`posix_spawnp(3)`). Descriptors of the tests are all close-on-exec.
    package static func spawn(
        _ arguments: [String], standardInput: CInt?, output: String, errorOutput: String, environment: [String: String]?
    ) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let standardInput {
            posix_spawn_file_actions_adddup2(&actions, standardInput, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorOutput, flags, 0o644)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [String] = []
        var pointer = environ
        while let variable = pointer.pointee {
            variables.append(String(cString: variable))
            pointer += 1
        }
        let added = environment ?? [:]
        variables.removeAll { variable in added.keys.contains { variable.hasPrefix("\($0)=") } }
        variables += added.map { "\($0)=\($1)" }
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }

        var identifier: pid_t = 0
        let code = posix_spawnp(&identifier, argv[0]!, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw Errno(rawValue: code) }
        return identifier
    }

    private static func text(of path: String) -> String {
        guard let bytes = try? readFile(Array(path.utf8)) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// All bytes of a file, which may be growing.
package func readFile(_ path: [UInt8]) throws(Errno) -> [UInt8] {
    let number = try withPath(path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    let file = OwnedDescriptor(adopting: number)
    let size = Int(try Files.status(file.rawValue).st_size)
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        do throws(Errno) {
            while count < size {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                let read = try Files.read(file.rawValue, into: rest, at: Int64(count))
                if read == 0 { break }
                count += read
            }
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}

import Glibc
import Platform

/// A run of wrk, in a process group of its own: a Ctrl-C reaches serverfs alone, which ends it. One thread.
///
/// A shell is put in between that ends wrk when this end of a pipe is closed: so wrk ends also when this process is killed.
final class WrkProcess {
    /// The shell's.
    private let identifier: pid_t
    /// nil once wrk is to end.
    private var lifeline: SharedDescriptor?
    private let process: OwnedDescriptor
    /// The reading end of its standard output and error. What it prints is far smaller than a pipe.
    private let output: SharedDescriptor

    private struct Pipe {
        let reading: SharedDescriptor
        let writing: SharedDescriptor

        init() throws(Errno) {
            var ends: [CInt] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            reading = SharedDescriptor(OwnedDescriptor(adopting: ends[0]))
            writing = SharedDescriptor(OwnedDescriptor(adopting: ends[1]))
        }
    }

    /// The descriptor that wrk finds its script on.
    private static let scriptNumber: CInt = 3
    /// Seconds for wrk to end when it is told to.
    private static let endSeconds: UInt64 = 5

    /// wrk prints its report on SIGINT, as it does when its time is up.
    private static let shellScript = "\"$@\" </dev/null & read -r end; kill -INT $! 2>/dev/null; wait $!"

    /// Where wrk is; nil when it is not on the PATH.
    static var path: String? {
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return folders.split(separator: ":").map { "\($0)/wrk" }.first { path in
            var status = stat()
            // A folder may be "executed" too.
            return access(path, X_OK) == 0 && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
    }

    /// - Parameter seconds: after which it ends by itself.
    init(on target: LoadTarget, seconds: Int) throws(CostFailure) {
        guard let path = Self.path else { throw CostFailure("wrk is not on the PATH") }
        var arguments = [
            "/bin/sh", "-c", Self.shellScript, "sh",
            path, "-t\(min(target.threads, target.connections))", "-c\(target.connections)", "-d\(seconds)s",
            "http://127.0.0.1:\(target.port)\(target.paths[0])",
        ]
        var script: OwnedDescriptor?
        do throws(Errno) {
            if target.paths.count > 1 {
                // Each of its threads opens the script anew.
                arguments += ["-s", "/proc/self/fd/\(Self.scriptNumber)"]
                script = try Self.unnamedFile(Self.script(target.paths))
            }
            let (input, output) = (try Pipe(), try Pipe())
            identifier = try Self.spawn(
                arguments, input: input.reading.rawValue, output: output.writing.rawValue, script: script?.rawValue)
            lifeline = input.writing
            self.output = output.reading
            process = try Processes.descriptor(of: identifier)
        } catch {
            throw CostFailure("wrk cannot be started: \(error)")
        }
    }

    /// Ends it and waits until it is gone.
    ///
    /// - Throws: when what it prints says that its run does not count.
    func end() throws(CostFailure) {
        lifeline = nil
        var ended = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        let hasEnded = poll(&ended, 1, CInt(Self.endSeconds * 1000)) == 1
        if !hasEnded { kill(-identifier, SIGKILL) }
        var status: CInt = 0
        while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
        guard hasEnded else { throw CostFailure("wrk did not end within \(Self.endSeconds) s of SIGINT") }
        let text = readOutput()
        guard let output = WrkOutput(text) else {
            let words = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
            throw CostFailure("wrk failed: \(words.isEmpty ? "it printed nothing" : words)")
        }
        if let defect = output.defect { throw CostFailure(defect) }
    }

    private func readOutput() -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(output.rawValue, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// A script that asks for `paths` in turn.
    static func script(_ paths: [String]) -> String {
        """
        local requests = {}
        local number = 0
        init = function()
          for index, path in ipairs({\(paths.map { "\"\($0)\"" }.joined(separator: ", "))}) do
            requests[index] = wrk.format(nil, path)
          end
        end
        request = function()
          number = number % #requests + 1
          return requests[number]
        end

        """
    }

    /// A file that has no name any more, and is gone with its last descriptor.
    private static func unnamedFile(_ text: String) throws(Errno) -> OwnedDescriptor {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/serverfs-wrk-XXXXXX".utf8CString)
        let number = mkstemp(&template)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let file = OwnedDescriptor(adopting: number)
        unlink(template)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        let bytes = Array(text.utf8)
        guard write(number, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
        return file
    }

    /// Starts it with no signal blocked or ignored, and with no descriptor but the standard streams.
    private static func spawn(
        _ arguments: [String], input: CInt, output: CInt, script: CInt?
    ) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        // Last: the others' numbers may be this one.
        if let script { posix_spawn_file_actions_adddup2(&actions, script, scriptNumber) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for text in vector { free(text) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, vector[0]!, &actions, &attributes, &vector, environ)
        guard code == 0 else { throw Errno(rawValue: code) }
        return identifier
    }
}

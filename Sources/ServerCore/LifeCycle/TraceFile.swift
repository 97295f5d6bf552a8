import Glibc
import Platform
import Telemetry

/// `--trace-file`: a trace from the start until the end, or until a thread's buffer is full. It is written then.
final class TraceFile: Sendable {
    private let stopping: WakeUp
    private let thread: Guarded<NamedThread?>

    private static let startMilliseconds: CInt = 2000

    /// Begins the trace.
    ///
    /// - Throws: a sentence, when the file cannot be made.
    init(_ path: String, _ measurements: Measurements, report: @escaping @Sendable (String) -> Void)
        throws(StartFailure)
    {
        if let defect = Self.defect(of: path) { throw StartFailure("--trace-file \(path): \(defect)") }
        do throws(Errno) {
            let file = SharedDescriptor(try Files.create(path))
            let stopping = try WakeUp()
            self.stopping = stopping
            let started = try WakeUp()
            let recording = try NamedThread("trace") {
                report(Self.record(measurements, started: started, stopping: stopping, to: file, path))
            }
            thread = Guarded(recording)
            // Whatever happens from now on is in it.
            var wait = pollfd(fd: started.rawValue, events: Int16(POLLIN), revents: 0)
            _ = poll(&wait, 1, Self.startMilliseconds)
            withExtendedLifetime(started) {}
        } catch {
            throw StartFailure("--trace-file \(path): \(error)")
        }
    }

    deinit { end() }

    /// Why the trace cannot go there, though it could be opened: a pipe would keep the server waiting for who reads it, at the start
    /// or at the end, and the standard streams have other things to say. nil when it can, or there is nothing yet.
    private static func defect(of path: String) -> String? {
        guard let there = try? Files.status(AT_FDCWD, path) else { return nil }
        let kind = there.st_mode & S_IFMT
        let isStream = [STDOUT_FILENO, STDERR_FILENO].contains { stream in
            (try? Files.status(stream)).map { FileIdentity($0) == FileIdentity(there) } ?? false
        }
        // /dev/null may be both.
        if isStream, kind != S_IFCHR { return "this is the standard output or error, where serverfs says other things" }
        switch kind {
        case S_IFREG: return nil
        case S_IFDIR: return "this is a folder: a trace goes into a regular file"
        case S_IFIFO: return "this is a pipe: a trace goes into a regular file"
        case S_IFSOCK: return "this is a socket: a trace goes into a regular file"
        default: return "this is a device: a trace goes into a regular file"
        }
    }

    /// Ends the trace and waits until it is written.
    func end() {
        stopping.signal()
        thread.withLock { $0.take() }?.join()
    }

    /// - Returns: what became of it.
    private static func record(
        _ measurements: Measurements, started: WakeUp, stopping: WakeUp, to file: SharedDescriptor, _ path: String
    ) -> String {
        defer { withExtendedLifetime(file) {} }
        do throws(TraceFailure) {
            try TraceRecorder(measurements).record(
                seconds: TraceRecorder.secondsMax, oneIn: 1, endsWhenFull: true, started: started,
                stopping: stopping, to: file.rawValue)
            return "the trace is written to \(path)"
        } catch {
            switch error {
            case .write(let error): return "the trace cannot be written to \(path): \(error)"
            case .isRecording: return "no trace is written to \(path): another one was being taken"
            }
        }
    }
}

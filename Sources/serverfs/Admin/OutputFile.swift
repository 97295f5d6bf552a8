import Glibc
import Platform

/// A file that is there whole or not at all: written under another name, which a signal removes too. The standard output, and
/// what is no regular file, are written to as they are. One thread.
final class OutputFile {
    private let path: String
    private let descriptor: OwnedDescriptor
    /// The name until `commit`; nil for what is written to as it is.
    private let temporaryPath: String?
    private var isCommitted = false

    /// - Parameter path: `-` for the standard output.
    init(_ path: String) throws(AdminFailure) {
        self.path = path
        var status = stat()
        let isDirect = path == "-" || (stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG)
        // Before the file: from then on a signal waits until it can be removed.
        let signals: SignalQueue?
        do throws(Errno) {
            signals = isDirect ? nil : try SignalQueue([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        } catch {
            throw AdminFailure(description: "\(path): \(error)")
        }
        guard let signals else {
            let number = path == "-" ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC)
            guard number >= 0 else { throw AdminFailure(description: "\(path): \(Errno(rawValue: errno))") }
            descriptor = OwnedDescriptor(adopting: number)
            temporaryPath = nil
            return
        }
        let (number, name) = try Self.makeTemporary(for: path) { code in
            AdminFailure(description: "\(path): \(Errno(rawValue: code))")
        }
        descriptor = OwnedDescriptor(adopting: number)
        temporaryPath = name
        _ = try? NamedThread("signals") {
            let signal = signals.next()
            unlink(name)
            _exit(128 + signal)
        }
    }

    /// Makes a new file next to `path`. What has its name already, a link to somewhere perhaps, is left alone.
    static func makeTemporary<Failure: Error>(
        for path: String, failure: (CInt) -> Failure
    ) throws(Failure) -> (number: CInt, name: String) {
        var name = "\(path).part-\(getpid())"
        for number in 1...namesMax {
            let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
            let code = errno
            if descriptor >= 0 { return (descriptor, name) }
            if code != EEXIST { throw failure(code) }
            name = "\(path).part-\(getpid())-\(number)"
        }
        throw failure(EEXIST)
    }

    private static let namesMax = 8

    deinit { if let temporaryPath, !isCommitted { unlink(temporaryPath) } }

    func write(_ bytes: ArraySlice<UInt8>) throws(AdminFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw AdminFailure(description: "\(path): \(Errno(rawValue: errno))") }
            rest = rest.dropFirst(count)
        }
    }

    /// It is complete.
    func commit() throws(AdminFailure) {
        guard let temporaryPath else { return }
        guard rename(temporaryPath, path) == 0 else {
            throw AdminFailure(description: "\(path): \(Errno(rawValue: errno))")
        }
        isCommitted = true
    }
}

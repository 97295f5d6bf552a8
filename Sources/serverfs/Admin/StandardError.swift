import ArgumentParser
import Glibc

/// Where commands say what is not their output.
enum StandardError {
    static func say(_ text: String) {
        let bytes = Array("\(text)\n".utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Runs a command's work; what goes wrong is one sentence and status 1.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as AdminFailure {
            say("serverfs: \(failure)")
            throw ExitCode(1)
        }
    }
}

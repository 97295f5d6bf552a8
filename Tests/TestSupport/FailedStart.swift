import Glibc
import Platform
package import Testing

/// One try to start serverfs that must fail: within a second, with one sentence, and with nothing left.
package struct FailedStart {
    package let status: EndStatus?
    package let message: String
    package let seconds: Double

    private let output: String
    private let leftovers: [String]
    private let mountsBefore: [MountEntry]
    private let mountsAfter: [MountEntry]

    /// - Parameter prefix: a program that runs it, with its arguments.
    package init(_ arguments: [String], in folder: PrivateFolder, prefix: [String] = []) throws {
        let temporary = "\(folder.path)/tmp"
        if !folder.contains("tmp") { _ = try folder.makeFolder("tmp") }
        if prefix.contains("setpriv") { chown(temporary, User.nobodyID, User.nobodyID) }
        mountsBefore = PrivateFolder.mounts(below: folder.path)
        let stopwatch = Stopwatch()
        let process = try ChildProcess(
            prefix + [ServerProcess.binaryPath] + arguments, in: folder, environment: ["TMPDIR": temporary])
        status = process.wait(seconds: 5)
        seconds = stopwatch.seconds
        output = process.output
        message = process.errorOutput
        leftovers = PrivateFolder.names(in: temporary)
        mountsAfter = PrivateFolder.mounts(below: folder.path)
    }

    /// What holds of every failed start; `words` must be in its sentence.
    package func expectRefusal(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(status == .exited(1), sourceLocation: sourceLocation)
        #expect(message.hasPrefix("serverfs: "), sourceLocation: sourceLocation)
        #expect(message.hasSuffix("\n") && message.dropLast().allSatisfy { $0 != "\n" }, sourceLocation: sourceLocation)
        for word in words {
            #expect(message.contains(word), "\(message)", sourceLocation: sourceLocation)
        }
        #expect(seconds < 4, sourceLocation: sourceLocation)
        expectNothingLeft(sourceLocation)
    }

    /// ArgumentParser's own refusal of a command line.
    package func expectUsageError(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(status == .exited(64), sourceLocation: sourceLocation)
        #expect(message.hasPrefix("Error: "), sourceLocation: sourceLocation)
        for word in words {
            #expect(message.contains(word), "\(message)", sourceLocation: sourceLocation)
        }
        #expect(seconds < 4, sourceLocation: sourceLocation)
        expectNothingLeft(sourceLocation)
    }

    private func expectNothingLeft(_ sourceLocation: SourceLocation) {
        #expect(output.isEmpty, sourceLocation: sourceLocation)
        #expect(leftovers.isEmpty, sourceLocation: sourceLocation)
        #expect(mountsAfter == mountsBefore, sourceLocation: sourceLocation)
    }
}

package import Glibc
import Platform

/// A running `serverfs serve` or `serverfs mount`, started with ports of the kernel's choice and ended, whatever happens,
/// when the last reference to it goes.
package final class ServerProcess: Sendable {
    /// The product, which is built next to the test runner.
    package static let binaryPath: String = {
        let runner = (try? Files.canonicalPath("/proc/self/exe")) ?? ""
        let folder = runner.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/serverfs"
    }()

    /// The product as users have it, optimised: `make test` builds it.
    package static let releaseBinaryPath: String = {
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(package)/.build/release/serverfs"
    }()

    package static var hasReleaseBinary: Bool { access(releaseBinaryPath, X_OK) == 0 }

    /// Why a server did not start.
    package struct NotStarted: Error, CustomStringConvertible {
        package let description: String
    }

    package let process: ChildProcess
    package let banner: String
    /// Its private folder is for its own TMPDIR: what it leaves there is seen.
    package let temporaryFolder: String
    private let folder: PrivateFolder
    /// The mount's device number; nil without a mount.
    private let device: UInt64?

    package var identifier: pid_t { process.identifier }

    /// Starts serverfs with `arguments`, without an admin side unless `--admin` is among them, and waits for the line `ready`.
    ///
    /// - Parameters:
    ///   - prefix: a program that runs it, with its arguments: prlimit, setpriv …
    ///   - binary: the build that is started.
    ///   - choosesAdmin: whether it is to find the address of its admin side by itself.
    package init(
        _ arguments: [String], prefix: [String] = [], binary: String = binaryPath, choosesAdmin: Bool = false
    ) throws {
        folder = try PrivateFolder()
        temporaryFolder = try folder.makeFolder("tmp")
        if prefix.starts(with: User.nobody.prefix) { chown(temporaryFolder, User.nobodyID, User.nobodyID) }
        let hasChosen = choosesAdmin || arguments.first == "mount" || arguments.contains("--admin")
        let started = try ChildProcess(
            prefix + [binary] + arguments + (hasChosen ? [] : ["--admin", "off"]), in: folder,
            environment: ["TMPDIR": temporaryFolder])
        process = started
        let hasAnswered = eventually(seconds: 10) {
            started.output.hasSuffix("\nready\n") || started.wait(seconds: 0) != nil
        }
        banner = started.output
        device = try MountTable.entry(at: Self.mountPoint(in: banner))?.device
        guard hasAnswered, banner.hasSuffix("\nready\n") else {
            throw NotStarted(description: "serverfs \(arguments): \(banner)\(started.errorOutput)")
        }
    }

    /// However the test has ended: a server that holds files of its own mount can be past killing, until its connection is
    /// cut.
    deinit {
        if stop(seconds: 3) != nil || stop(SIGKILL, seconds: 1) != nil { return }
        if let device { _ = FuseConnection.abort(device: device) }
        _ = process.wait(seconds: 2)
    }

    /// `serverfs DOCROOT` with a listener through the mount and one that bypasses it.
    package static func serving(
        _ docroot: String, _ options: [String] = [], prefix: [String] = [], binary: String = binaryPath
    ) throws -> ServerProcess {
        try ServerProcess(
            [docroot, "--listen", "127.0.0.1:0", "--listen-bypass", "127.0.0.1:0"] + options, prefix: prefix,
            binary: binary)
    }

    // MARK: - What the banner says

    /// The text behind `name` in the banner's line for it.
    package func bannerValue(_ name: String) -> String? { Self.value(of: name, in: banner) }

    private static func value(of name: String, in banner: String) -> String? {
        for line in banner.split(separator: "\n") where line.hasPrefix("  \(name) ") {
            return String(line.dropFirst(name.count + 3).drop { $0 == " " })
        }
        return nil
    }

    /// The port of `--listen`.
    package var port: UInt16 { port("listen") }
    /// The port of `--listen-bypass`.
    package var bypassPort: UInt16 { port("listen-bypass") }
    /// The port of `--admin`.
    package var adminPort: UInt16 { port("admin") }
    /// Both, for what must hold on either.
    package var ports: [UInt16] { [port, bypassPort] }

    private func port(_ name: String) -> UInt16 {
        let address = bannerValue(name)?.split(separator: "/").dropFirst().first ?? ""
        return UInt16(address.split(separator: ":").last ?? "") ?? 0
    }

    package var mountPoint: String { Self.mountPoint(in: banner) }

    private static func mountPoint(in banner: String) -> String {
        let text = value(of: "mount", in: banner) ?? ""
        return text.range(ofText: "  (").map { String(text[..<$0]) } ?? text
    }

    /// The process id of its watchdog; 0 without one.
    package var watchdog: pid_t {
        let words = bannerValue("watchdog")?.split(separator: " ") ?? []
        return words.count > 1 ? pid_t(words[1]) ?? 0 : 0
    }

    package var isMounted: Bool { (try? MountTable.entry(at: mountPoint)) != nil }

    /// What is left in its TMPDIR.
    package var leftovers: [String] { PrivateFolder.names(in: temporaryFolder) }

    // MARK: - Talking to it

    package func signal(_ number: CInt) { process.signal(number) }

    /// Stops it (SIGSTOP). When it returns, nothing is answered any more: a thread that is at work goes on for a moment.
    package func freeze() {
        signal(SIGSTOP)
        _ = eventually(seconds: 10) { ProcessFacts.threadStates(identifier).allSatisfy { "TtZ".contains($0) } }
    }

    /// Ends it with a signal and waits.
    @discardableResult
    package func stop(_ number: CInt = SIGTERM, seconds: Double = 5) -> EndStatus? {
        process.signal(number)
        return process.wait(seconds: seconds)
    }

    /// All counters, asked for with SIGUSR1.
    package func metrics() throws -> Metrics {
        let before = process.errorOutput.utf8.count
        process.signal(SIGUSR1)
        var text = ""
        let isComplete = eventually(seconds: 5) {
            text = String(decoding: process.errorOutput.utf8.dropFirst(before), as: UTF8.self)
            return text.hasSuffix("# EOF\n")
        }
        guard isComplete else { throw NotStarted(description: "no counters after SIGUSR1: \(text)") }
        return Metrics(text)
    }

    /// Turns the bypass over with SIGUSR2 and waits for the server to say so.
    package func toggleBypass() throws {
        let before = process.errorOutput.utf8.count
        process.signal(SIGUSR2)
        let isSaid = eventually(seconds: 5) {
            process.errorOutput.utf8.dropFirst(before).contains(UInt8(ascii: "\n"))
        }
        guard isSaid else { throw NotStarted(description: "nothing said after SIGUSR2") }
    }
}

extension String {
    /// The index where `text` first starts.
    package func range(ofText text: String) -> String.Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}

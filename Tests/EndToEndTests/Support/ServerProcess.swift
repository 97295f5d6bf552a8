import Glibc
import Platform

/// A running `serverfs serve` or `serverfs mount`, started with ports of the kernel's choice and ended, whatever happens,
/// when the last reference to it goes.
final class ServerProcess: Sendable {
    /// The product, which is built next to the test runner.
    static let binaryPath: String = {
        let runner = (try? Files.canonicalPath("/proc/self/exe")) ?? ""
        let folder = runner.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/serverfs"
    }()

    /// Why a server did not start.
    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    let process: ChildProcess
    let banner: String
    /// Its private folder is for its own TMPDIR: what it leaves there is seen.
    let temporaryFolder: String
    private let folder: PrivateFolder
    /// The mount's device number; nil without a mount.
    private let device: UInt64?

    var identifier: pid_t { process.identifier }

    /// Starts serverfs with `arguments` and waits for the line `ready`.
    ///
    /// - Parameter prefix: a program that runs it, with its arguments: prlimit, setpriv …
    init(_ arguments: [String], prefix: [String] = []) throws {
        folder = try PrivateFolder()
        temporaryFolder = try folder.makeFolder("tmp")
        if prefix.starts(with: User.nobody.prefix) { chown(temporaryFolder, User.nobodyID, User.nobodyID) }
        let started = try ChildProcess(
            prefix + [Self.binaryPath] + arguments, in: folder, environment: ["TMPDIR": temporaryFolder])
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
    static func serving(_ docroot: String, _ options: [String] = [], prefix: [String] = []) throws -> ServerProcess {
        try ServerProcess(
            [docroot, "--listen", "127.0.0.1:0", "--listen-bypass", "127.0.0.1:0"] + options, prefix: prefix)
    }

    // MARK: - What the banner says

    /// The text behind `name` in the banner's line for it.
    func bannerValue(_ name: String) -> String? { Self.value(of: name, in: banner) }

    private static func value(of name: String, in banner: String) -> String? {
        for line in banner.split(separator: "\n") where line.hasPrefix("  \(name) ") {
            return String(line.dropFirst(name.count + 3).drop { $0 == " " })
        }
        return nil
    }

    /// The port of `--listen`.
    var port: UInt16 { port("listen") }
    /// The port of `--listen-bypass`.
    var bypassPort: UInt16 { port("listen-bypass") }
    /// Both, for what must hold on either.
    var ports: [UInt16] { [port, bypassPort] }

    private func port(_ name: String) -> UInt16 {
        let address = bannerValue(name)?.split(separator: "/").dropFirst().first ?? ""
        return UInt16(address.split(separator: ":").last ?? "") ?? 0
    }

    var mountPoint: String { Self.mountPoint(in: banner) }

    private static func mountPoint(in banner: String) -> String {
        let text = value(of: "mount", in: banner) ?? ""
        return text.range(ofText: "  (").map { String(text[..<$0]) } ?? text
    }

    var isMounted: Bool { (try? MountTable.entry(at: mountPoint)) != nil }

    /// What is left in its TMPDIR.
    var leftovers: [String] { PrivateFolder.names(in: temporaryFolder) }

    // MARK: - Talking to it

    func signal(_ number: CInt) { process.signal(number) }

    /// Ends it with a signal and waits.
    @discardableResult
    func stop(_ number: CInt = SIGTERM, seconds: Double = 5) -> ExitStatus? {
        process.signal(number)
        return process.wait(seconds: seconds)
    }

    /// All counters, asked for with SIGUSR1.
    func metrics() throws -> Metrics {
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
    func toggleBypass() throws {
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
    func range(ofText text: String) -> String.Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}

import Glibc
import Platform
import TestSupport

/// One try of a fault: a server in a process of its own, clients and load on it, and the proof at the end. The test's thread
/// only, but for the ledger.
final class Trial {
    let folder: PrivateFolder
    let ledger = Ledger()
    private(set) var outcome = Outcome()
    /// The server that `serve` has started, as long as it has not been seen to end.
    private(set) var server: ServerProcess?
    /// Every server of the trial, its folder to be looked at in the end.
    private(set) var servers: [ServerProcess] = []
    private var clients: CheckingClients?
    private var loads: [Load] = []
    private var undoing: [() -> Void] = []
    private var helpers: [ChildProcess] = []
    /// The processes of each server: its own, its watchdog.
    private var families: [pid_t: Set<TrackedProcess>] = [:]

    /// Every read is a READ, so that requests are in flight all the time.
    static let uncached = ["--fuse-cache", "none", "--fuse-open", "per-open"]
    /// How long an answer may pause before it counts as a hang.
    static let clientLimitSeconds = 10

    var docroot: String { "\(folder.path)/docroot" }

    init() throws {
        folder = try PrivateFolder()
        ledger.watch(folder.path)
        try Content.fill(try folder.makeFolder("docroot"))
    }

    // MARK: - Who takes part

    /// Starts the server.
    ///
    /// - Parameter docroot: nil for the trial's own.
    @discardableResult
    func serve(_ options: [String] = uncached, docroot: String? = nil, prefix: [String] = []) throws -> ServerProcess {
        let started = try ServerProcess.serving(docroot ?? self.docroot, options, prefix: prefix)
        take(started)
        server = started
        return started
    }

    /// Notes a server that was started by other means.
    func take(_ started: ServerProcess) {
        servers.append(started)
        look(at: started)
    }

    /// Notes which processes and mounts a server has by now.
    private func look(at server: ServerProcess) {
        ledger.watch(server.temporaryFolder)
        families[server.identifier, default: []].formUnion(ledger.track(server.identifier))
    }

    /// Starts a program that ends, at the latest, with the trial.
    @discardableResult
    func help(_ arguments: [String]) throws -> ChildProcess {
        let helper = try ChildProcess(arguments, in: folder)
        helpers.append(helper)
        ledger.track(helper.identifier)
        return helper
    }

    /// Puts 400 connections of wrk on the mount and checking clients on both ways, and lets them run for a moment.
    func load(connections: Int = 400, limitSeconds: Int = clientLimitSeconds) throws {
        guard let server else { return }
        loads.append(try Load(port: server.port, connections: connections, in: folder))
        clients = try CheckingClients(ports: server.ports, limitSeconds: limitSeconds)
        usleep(UInt32.random(in: 200_000...600_000))
    }

    func stopLoad() {
        for load in loads { load.stop() }
        loads = []
    }

    func stopClients() throws {
        if let tally = try clients?.stop() { add(tally) }
        clients = nil
    }

    /// Notes what takes the fault back, to be done before the server is ended; the last first.
    func undo(_ body: @escaping () -> Void) { undoing.append(body) }

    // MARK: - What came of it

    func fail(_ text: String) { outcome.failures.append(text) }

    func hang(_ text: String) {
        outcome.hangs += 1
        fail(text)
    }

    func note(_ text: String) { outcome.note = text }

    func note(secondsBack seconds: Double) { outcome.secondsBack = max(outcome.secondsBack ?? 0, seconds) }

    func note(secondsGone seconds: Double) { outcome.secondsGone = seconds }

    func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { fail(text()) }
    }

    func add(_ tally: Tally) {
        outcome.hangs += tally.hung
        outcome.wrongBytes += tally.wrong
        if let complaint = tally.complaint { fail("a client saw \(complaint)") }
    }

    /// Expects both ways to be served again within a second of `moment`, and notes the longer time.
    func expectServiceBack(since moment: Stopwatch = Stopwatch(), within limit: Double = 1) {
        guard let ports = server?.ports else { return }
        let found = SharedList<(port: UInt16, seconds: Double?)>()
        do {
            try onThreads(ports.count) {
                found.append((ports[$0], Probe.secondsUntilService(port: ports[$0], since: moment)))
            }
        } catch {
            fail("no thread for a probe: \(error)")
        }
        for (port, seconds) in found.all {
            guard let seconds else {
                hang("service did not come back on port \(port) within 10 s")
                continue
            }
            note(secondsBack: seconds)
            expect(seconds <= limit, "service was back after \(seconds) s on port \(port)")
        }
    }

    /// Expects the server's process to end by what `body` does, and all it has made to be gone within two seconds.
    func expectGone(_ status: EndStatus?, since body: () throws -> Void) rethrows {
        guard let server else { return }
        look(at: server)
        let stopwatch = Stopwatch()
        try body()
        let end = server.process.wait(seconds: 10)
        stopLoad()
        guard let end else {
            hang("the process was not gone after 10 s")
            return
        }
        if let status { expect(end == status, "it ended with \(end), not \(status)") }
        let isClean = eventually(seconds: 10) { living(of: server).isEmpty && self.isClean(server) }
        let seconds = stopwatch.seconds
        outcome.secondsGone = max(outcome.secondsGone ?? 0, seconds)
        expect(
            isClean && seconds <= 2, "process, watchdog, mount and folder were not gone within 2 s: \(remains(server))")
        self.server = nil
    }

    /// Whether nothing of a server is left.
    func isClean(_ server: ServerProcess) -> Bool {
        server.leftovers.isEmpty && PrivateFolder.mounts(below: server.temporaryFolder).isEmpty
    }

    private func living(of server: ServerProcess) -> [TrackedProcess] {
        families[server.identifier, default: []].filter(\.exists)
    }

    private func remains(_ server: ServerProcess) -> String {
        let processes = living(of: server).map { "\($0.name) (\($0.identifier))" }
        let mounts = PrivateFolder.mounts(below: server.temporaryFolder).map(\.mountPoint)
        return "processes \(processes), mounts \(mounts), folders \(server.leftovers)"
    }

    // MARK: - The end

    /// Ends everything in good order and proves that nothing is left.
    func conclude() {
        for body in undoing.reversed() { body() }
        undoing = []
        stopLoad()
        for server in servers { look(at: server) }
        if let server {
            let before = outcome.secondsGone
            expectGone(.exited(0)) { server.signal(SIGTERM) }
            // The table's column is for faults that end the process.
            outcome.secondsGone = before
        }
        do {
            try stopClients()
        } catch {
            fail("a client ended: \(error)")
        }
        for helper in helpers { helper.signal(SIGKILL) }
        let ofServers = families.values.reduce(into: Set()) { $0.formUnion($1) }
        for process in ledger.living where !ofServers.contains(process) { process.signal(SIGKILL) }
        for helper in helpers where helper.wait(seconds: 2) == nil { hang("a helper process cannot be killed") }
        for server in servers.reversed() where server.process.wait(seconds: 0) == nil { server.stop(seconds: 3) }
        prove()
    }

    private func prove() {
        let stuck = ledger.stuckThreads()
        if !stuck.isEmpty { hang("in state D: \(stuck.sorted())") }
        let isClean = eventually(seconds: 2) {
            ledger.living.isEmpty && ledger.mounts.isEmpty && servers.allSatisfy { $0.leftovers.isEmpty }
        }
        guard !isClean else { return }
        let processes = ledger.living.map { "\($0.name) (\($0.identifier))" }
        if !processes.isEmpty { hang("processes left: \(processes)") }
        expect(ledger.mounts.isEmpty, "mounts left: \(ledger.mounts.map(\.mountPoint))")
        for server in servers { expect(server.leftovers.isEmpty, "folders left: \(server.leftovers)") }
        ledger.rescue()
    }
}

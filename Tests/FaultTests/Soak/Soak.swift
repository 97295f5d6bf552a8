import Glibc
import Platform
import TestSupport

/// Load, changes of the docroot, bypass toggles and mount losses, all at once, for a while; and what the server holds after
/// the first part and at the end.
struct Soak {
    let seconds: Double
    private let trial: Trial
    private let server: ServerProcess
    private let docroot: ChangingDocroot
    private var toggles = 0
    private var losses = 0

    /// - Parameter options: the server's.
    init(seconds: Double, trial: Trial, options: [String]) throws {
        self.seconds = seconds
        self.trial = trial
        server = try trial.serve(options)
        docroot = ChangingDocroot(trial.docroot)
    }

    /// The part that fills every cache and pool: a minute, or a third where there are not three.
    private var warmUpSeconds: Double { min(60, seconds / 3) }

    mutating func run() throws {
        try run(seconds: warmUpSeconds)
        let first = try sample("after \(Int(warmUpSeconds)) s")
        try run(seconds: seconds - warmUpSeconds)
        let last = try sample("after \(Int(seconds)) s")
        for text in last.growth(since: first) { trial.fail(text) }
        print("soak: \(toggles) bypass toggles, \(losses) mount losses")
        trial.expect(toggles > 0 && losses > 0, "nothing has happened to it")
    }

    private mutating func run(seconds: Double) throws {
        let isDone = SharedFlag()
        let docroot = docroot
        let seed = Clock.monotonicNanoseconds
        let changer = try ClientThreads(1) { _ in try docroot.change(until: isDone, seed: seed) }
        let load = try Load(port: server.port, connections: 100, in: trial.folder)
        let clients = try CheckingClients(
            ports: server.ports, limitSeconds: Trial.clientLimitSeconds, isStale: docroot.isStale)
        defer { load.stop() }
        let deadline = Deadline(seconds: seconds)
        while !deadline.hasPassed {
            usleep(UInt32.random(in: 300_000...1_200_000))
            if Bool.random() {
                server.signal(SIGUSR2)
                toggles += 1
            } else {
                loseMount()
            }
        }
        isDone.set()
        try changer.join()
        trial.add(try clients.stop())
    }

    private mutating func loseMount() {
        let before = server.process.errorOutput.utf8.count
        let moment = Stopwatch()
        trial.loseMount(MountLoss.allCases[losses % MountLoss.allCases.count], of: server)
        losses += 1
        // A file that is away for a moment, for its next version, may be among those asked for.
        trial.expectServiceBack(since: moment, within: 2)
        let server = server
        let isBack = eventually(seconds: 10) {
            String(decoding: server.process.errorOutput.utf8.dropFirst(before), as: UTF8.self)
                .range(ofText: "serverfs: mounted again") != nil
        }
        trial.expect(isBack, "not mounted again within 10 s of loss \(losses)")
    }

    /// A look at the server when it has nothing to do, and all that it keeps between requests is there.
    private mutating func sample(_ moment: String) throws -> ResourceSample {
        if toggles % 2 == 1 { try server.toggleBypass() }
        toggles += toggles % 2
        for port in server.ports {
            // Connections of their own come to either worker.
            for name in (0..<10).flatMap({ _ in Content.names }) { _ = try HTTPConnection.fetch(port, "/\(name)") }
        }
        usleep(1_000_000)
        let sample = ResourceSample(server.identifier)
        print("soak \(moment): \(sample)")
        return sample
    }
}

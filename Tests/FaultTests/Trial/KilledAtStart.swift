import Glibc
import Platform
import TestSupport

/// A server that is killed before or just when it is ready: between its mount and its first request.
struct KilledAtStart {
    let isGone: Bool
    let remains: String

    init(_ trial: Trial) throws {
        let temporary = try trial.folder.makeFolder("tmp")
        let server = try ChildProcess(
            [ServerProcess.binaryPath, trial.docroot, "--listen", "127.0.0.1:0"], in: trial.folder,
            environment: ["TMPDIR": temporary])
        // A start takes some 50 ms, most of it before the mount.
        let start = Clock.monotonicNanoseconds
        let moment = UInt64.random(in: 0...80_000_000)
        while Clock.monotonicNanoseconds - start < moment { usleep(500) }
        // What it has started by then is looked at while it can start nothing more.
        server.signal(SIGSTOP)
        trial.ledger.track(server.identifier)
        trial.ledger.watch(trial.folder.path)
        server.signal(SIGKILL)
        _ = server.wait(seconds: 2)
        let ledger = trial.ledger
        isGone = eventually(seconds: 2) {
            ledger.living.isEmpty && ledger.mounts.isEmpty && PrivateFolder.names(in: temporary).isEmpty
        }
        remains = "\(ledger.living.map(\.name)), \(ledger.mounts.count) mounts, \(PrivateFolder.names(in: temporary))"
    }
}

import Glibc
import Platform
import TestSupport

extension Fault {
    /// A kernel that offers less: simulated by the product, which is told not to see what is offered.
    static let kernels: [Fault] = [
        Fault("a kernel without passthrough, io_uring, epochs", times: (1, 3)) { trial in
            let server = try trial.serve([], prefix: withoutAll)
            try trial.load()
            trial.expectServiceBack()
            trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
        },
        Fault("a kernel without passthrough, which is asked for", times: (1, 3)) { trial in
            try trial.expectRefusal(of: ["--fuse-open", "passthrough"], naming: "passthrough")
        },
        Fault("a kernel without io_uring, which is asked for", times: (1, 3), missing: missingTransport) { trial in
            try trial.expectRefusal(of: ["--fuse-transport", "io-uring"], naming: "io-uring")
        },
    ]

    /// Why io_uring cannot be asked for; nil when it can.
    private static let missingTransport: String? = {
        let help = (try? PrivateFolder()).flatMap {
            try? ChildProcess([ServerProcess.binaryPath, "serve", "--help"], in: $0)
        }
        _ = help?.wait(seconds: 5)
        let hasOption = help?.output.range(ofText: "--fuse-transport") != nil
        return hasOption ? nil : "this serverfs has no --fuse-transport"
    }()

    fileprivate static let withoutAll = [
        "env", "SERVERFS_REFUSE_CAPABILITIES=passthrough,io-uring,epochs,parallel-dirops",
    ]
}

extension Trial {
    /// Refused with a sentence that names it, within two seconds.
    fileprivate func expectRefusal(of options: [String], naming word: String) throws {
        let temporary = try folder.makeFolder("tmp")
        let stopwatch = Stopwatch()
        let process = try ChildProcess(
            Fault.withoutAll + [ServerProcess.binaryPath, docroot, "--listen", "127.0.0.1:0"] + options, in: folder,
            environment: ["TMPDIR": temporary])
        ledger.track(process.identifier)
        let status = process.wait(seconds: 5)
        let seconds = stopwatch.seconds
        if status == nil { hang("the start was neither refused nor over after 5 s") }
        note(secondsGone: seconds)
        expect(status == .exited(1) && seconds < 2, "the start ended with \(status as Any) after \(seconds) s")
        let said = process.errorOutput
        expect(said.hasPrefix("serverfs: ") && said.contains(word), "it said: \(said)")
        expect(PrivateFolder.names(in: temporary).isEmpty, "a folder was left")
    }
}

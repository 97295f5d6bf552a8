import Glibc
import Platform
import TestSupport

extension Fault {
    /// Docroot and mount point one in the other: refused at the start, with nothing left.
    static let layouts: [Fault] = [
        Fault("docroot == mount point", times: (1, 3)) { trial in
            try trial.expectRefusedStart(docroot: trial.docroot, mountPoint: trial.docroot)
        },
        Fault("docroot == mount point, by a symbolic link", times: (1, 3)) { trial in
            symlink("docroot", "\(trial.folder.path)/other")
            try trial.expectRefusedStart(docroot: trial.docroot, mountPoint: "\(trial.folder.path)/other")
        },
        Fault("docroot above the mount point", times: (1, 3)) { trial in
            mkdir("\(trial.docroot)/below", 0o755)
            try trial.expectRefusedStart(docroot: trial.docroot, mountPoint: "\(trial.docroot)/below")
        },
        Fault("docroot below the mount point", times: (1, 3)) { trial in
            try trial.expectRefusedStart(docroot: trial.docroot, mountPoint: trial.folder.path)
        },
        Fault("docroot is the mount of another serverfs, whose docroot is ours", times: (1, 3)) { trial in
            // A stack of two, which is not a circle: it must work.
            let between = try trial.folder.makeFolder("between")
            let inner = try ServerProcess(["mount", trial.docroot, between])
            trial.take(inner)
            try trial.serve(docroot: between)
            try trial.load(connections: 50)
            trial.expectServiceBack()
        },
    ]
}

extension Trial {
    fileprivate func expectRefusedStart(docroot: String, mountPoint: String) throws {
        let stopwatch = Stopwatch()
        let temporary = try folder.makeFolder("tmp")
        let process = try ChildProcess(
            [ServerProcess.binaryPath, docroot, "--listen", "127.0.0.1:0", "--mount-point", mountPoint], in: folder,
            environment: ["TMPDIR": temporary])
        ledger.track(process.identifier)
        let status = process.wait(seconds: 5)
        if status == nil { hang("the start was neither refused nor over after 5 s") }
        expect(status == .exited(1), "the start ended with \(status as Any)")
        expect(process.errorOutput.hasPrefix("serverfs: "), "it said: \(process.errorOutput)")
        expect(process.errorOutput.split(separator: "\n").count == 1, "it said: \(process.errorOutput)")
        note(secondsGone: stopwatch.seconds)
        expect(PrivateFolder.names(in: temporary).isEmpty, "a folder was left")
    }
}

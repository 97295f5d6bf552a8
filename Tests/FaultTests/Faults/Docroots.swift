import Glibc
import Platform
import TestSupport

extension Fault {
    /// The docroot changes under the server as a whole.
    static let docroots: [Fault] = [
        Fault("docroot removed while serving", times: (1, 5)) { trial in
            let server = try trial.serve()
            try trial.load()
            _ = try trial.help(["rm", "-rf", trial.docroot]).wait(seconds: 5)
            for port in server.ports {
                let status = try HTTPConnection.fetch(port, "/\(Content.loadName)").status
                trial.expect(status == 404, "a removed file is answered with \(status)")
            }
        },
        Fault("docroot renamed while serving", times: (1, 5)) { trial in
            try trial.serve()
            try trial.load()
            let moment = Stopwatch()
            rename(trial.docroot, "\(trial.folder.path)/elsewhere")
            trial.expectServiceBack(since: moment)
        },
        Fault("docroot renamed, and the mount lost", times: (1, 5)) { trial in
            let server = try trial.serve()
            try trial.load()
            rename(trial.docroot, "\(trial.folder.path)/elsewhere")
            trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
        },
        Fault("docroot remounted while serving", times: (1, 5)) { trial in
            let docroot = try trial.mountMemory("memory")
            try trial.serve(docroot: docroot)
            try trial.load()
            let moment = Stopwatch()
            umount2(docroot, CInt(MNT_DETACH))
            _ = try trial.help(["mount", "-t", "tmpfs", "none", docroot]).wait(seconds: 5)
            // What it serves is the folder that it was given, as long as it holds it.
            trial.expectServiceBack(since: moment)
        },
        Fault("docroot mounted over while serving", times: (1, 5)) { trial in
            try trial.serve()
            try trial.load()
            let moment = Stopwatch()
            let docroot = trial.docroot
            _ = try trial.help(["mount", "-t", "tmpfs", "none", docroot]).wait(seconds: 5)
            trial.undo { umount2(docroot, CInt(MNT_DETACH)) }
            trial.expectServiceBack(since: moment)
        },
    ]
}

extension Trial {
    /// A tmpfs with the suite's files in it.
    ///
    /// - Parameter options: mount(8)'s, such as `size=64k`.
    func mountMemory(_ name: String, options: String = "size=64m", filled: Bool = true) throws -> String {
        let mountPoint = try folder.makeFolder(name)
        let status = try help(["mount", "-t", "tmpfs", "-o", options, "none", mountPoint]).wait(seconds: 5)
        guard status == .exited(0) else { throw ClientFailure.mismatch("no tmpfs could be mounted") }
        undo { while umount2(mountPoint, CInt(MNT_DETACH)) == 0 {} }
        if filled { try Content.fill(mountPoint) }
        return mountPoint
    }
}

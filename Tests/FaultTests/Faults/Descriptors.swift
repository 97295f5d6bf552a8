import Glibc
import Platform
import TestSupport

extension Fault {
    /// Other programs in the mount, with its files open across fork and exec, while it goes away.
    static let descriptors: [Fault] =
        MountLoss.allCases.map { loss in
            Fault("fork and exec with mount files open, \(loss.name)", times: (1, 5)) { trial in
                let server = try trial.serve()
                let helpers = try trial.openInOtherPrograms(server)
                try trial.load(connections: 50)
                trial.expectHealing(server) { trial.loseMount(loss, of: server) }
                trial.expectKillable(helpers)
            }
        } + [
            Fault("fork and exec with mount files open, SIGKILL", times: (1, 10)) { trial in
                let server = try trial.serve()
                let helpers = try trial.openInOtherPrograms(server)
                try trial.load(connections: 50)
                trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
                trial.expectKillable(helpers)
            },
            Fault("fork and exec with mount files open, SIGTERM", times: (1, 5)) { trial in
                let server = try trial.serve()
                let helpers = try trial.openInOtherPrograms(server)
                trial.expectGone(.exited(0)) { server.signal(SIGTERM) }
                trial.expectKillable(helpers)
            },
            Fault("every descriptor is close-on-exec", times: (1, 1)) { trial in
                for options in [[], Trial.uncached] {
                    let server = try trial.serve(options)
                    try trial.load()
                    trial.expectCloseOnExec(server)
                    trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
                    trial.expectCloseOnExec(server)
                    trial.stopLoad()
                    try trial.stopClients()
                    try server.stopAndCheck(trial)
                }
            },
        ]
}

extension Trial {
    /// Programs that open files of the mount, fork and exec: one that holds them, with a child; one that starts others on
    /// them all the time.
    fileprivate func openInOtherPrograms(_ server: ServerProcess) throws -> [ChildProcess] {
        let mount = server.mountPoint
        let holding = "exec 3<'\(mount)/\(Content.names[9])' 4<'\(mount)'; cd '\(mount)'; sleep 60 <&3 & exec sleep 60"
        let starting = "while :; do cat '\(mount)'/file-* >/dev/null 2>&1 || sleep 0.01; done"
        let helpers = try [holding, starting].map { try help(["bash", "-c", $0]) }
        usleep(200_000)
        for helper in helpers { ledger.track(helper.identifier) }
        return helpers
    }

    /// Expects the programs to end when they are killed: they do not where they wait in a mount that nobody answers.
    fileprivate func expectKillable(_ helpers: [ChildProcess]) {
        for helper in helpers { ledger.track(helper.identifier) }
        for helper in helpers {
            helper.signal(SIGKILL)
            if helper.wait(seconds: 2) == nil { hang("a program that has mount files open cannot be killed") }
        }
    }

    /// The standard streams are for children too, and what the tests were started with is not the server's.
    fileprivate func expectCloseOnExec(_ server: ServerProcess) {
        for (number, target) in server.descriptors where number > STDERR_FILENO {
            let flags = ProcessFacts.descriptorFlags(server.identifier, number)
            // It may have been closed meanwhile.
            guard let flags, flags & O_CLOEXEC == 0 else { continue }
            let own = ProcessFacts.descriptorFlags(getpid(), number)
            if let own, own & O_CLOEXEC == 0 { continue }
            fail("descriptor \(number), \(target), is inherited by children")
        }
    }
}

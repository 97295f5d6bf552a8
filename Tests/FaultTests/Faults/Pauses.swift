import Glibc
import Platform
import TestSupport

extension Fault {
    /// The whole process stands still.
    static let pauses: [Fault] = [
        Fault("SIGSTOP for longer than the stall time-out, SIGCONT", times: (1, 5)) { trial in
            let server = try trial.serve(Trial.uncached + ["--fuse-stall-timeout", "1"])
            try trial.load()
            server.signal(SIGSTOP)
            trial.undo { server.signal(SIGCONT) }
            usleep(2_500_000)
            server.signal(SIGCONT)
            // Whether the mount is lost depends on what was under way when it stopped.
            trial.expectServiceBack()
        },
        Fault("SIGSTOP, another program waits in the mount, SIGCONT", times: (1, 5)) { trial in
            let server = try trial.serve(Trial.uncached + ["--fuse-stall-timeout", "1"])
            try trial.load()
            let before = server.process.errorOutput.utf8.count
            server.signal(SIGSTOP)
            trial.undo { server.signal(SIGCONT) }
            let program = try trial.help(["cat", "\(server.mountPoint)/\(Content.loadName)"])
            // It is looked for every now and then, for a second without progress.
            if program.wait(seconds: 4) == nil { trial.hang("a program that waits in the mount is not set free") }
            server.signal(SIGCONT)
            trial.expectServiceBack()
            trial.expectMountedAgain(server, saidSince: before)
        },
        Fault("SIGSTOP for less than the stall time-out, SIGCONT", times: (1, 5)) { trial in
            let server = try trial.serve()
            try trial.load()
            server.signal(SIGSTOP)
            trial.undo { server.signal(SIGCONT) }
            usleep(1_000_000)
            server.signal(SIGCONT)
            trial.expectServiceBack()
            trial.expect(!server.process.errorOutput.contains("the mount is gone"), "the mount was given up")
        },
        Fault("SIGSTOP, another program waits in the mount, SIGKILL", times: (1, 5)) { trial in
            let server = try trial.serve(Trial.uncached + ["--fuse-stall-timeout", "off"])
            server.signal(SIGSTOP)
            _ = try trial.help(["cat", "\(server.mountPoint)/\(Content.loadName)"])
            usleep(300_000)
            trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
        },
    ]
}

import Glibc
import Platform
import TestSupport

/// A way to take a mount away from outside.
enum MountLoss: CaseIterable, Sendable {
    case abort, detach, force

    /// What an operator types.
    var name: String {
        switch self {
        case .abort: "echo 1 > /sys/fs/fuse/connections/N/abort"
        case .detach: "umount -l"
        case .force: "umount -f"
        }
    }
}

extension Fault {
    /// The mount is lost under load, and made again.
    static let mountLosses: [Fault] =
        MountLoss.allCases.map { loss in
            Fault(loss.name, times: (1, 10)) { trial in
                let server = try trial.serve()
                try trial.load()
                trial.expectHealing(server) { trial.loseMount(loss, of: server) }
            }
        } + [
            Fault("umount (refused: the mount is in use)", times: (1, 5)) { trial in
                let server = try trial.serve()
                try trial.load()
                let moment = Stopwatch()
                let status = try trial.help(["umount", server.mountPoint]).wait(seconds: 5)
                trial.expect(status != .exited(0) && status != nil, "umount said \(status as Any)")
                trial.expectServiceBack(since: moment)
                trial.expect(server.isMounted, "the mount is gone")
                trial.expect(!server.process.errorOutput.contains("the mount is gone"), "a loss was reported")
            },
            Fault("abort, three times in a row", times: (1, 3)) { trial in
                let server = try trial.serve()
                try trial.load()
                for _ in 0..<3 { trial.expectHealing(server) { trial.loseMount(.abort, of: server) } }
            },
            Fault("abort, and the mount point is a file for a while: bypass", times: (1, 3)) { trial in
                try trial.withoutMountPoint("bypass") { server in
                    trial.expectServiceBack()
                    let gauge = try server.metrics()["serverfs_mount_degraded"]
                    trial.expect(gauge == 1, "serverfs_mount_degraded is \(gauge)")
                }
            },
            Fault("abort, and the mount point is a file for a while: 503", times: (1, 3)) { trial in
                try trial.withoutMountPoint("503") { server in
                    let answer = try HTTPConnection.fetch(server.port, "/\(Content.loadName)")
                    trial.expect(answer.status == 503, "the answer is \(answer.status)")
                    trial.expect(answer["Retry-After"] != nil, "there is no Retry-After")
                    let direct = try HTTPConnection.fetch(server.bypassPort, "/\(Content.loadName)")
                    trial.expect(direct.status == 200, "the bypass answers \(direct.status)")
                }
            },
            Fault("abort with --on-mount-loss exit", times: (1, 5)) { trial in
                let server = try trial.serve(Trial.uncached + ["--on-mount-loss", "exit"])
                try trial.load()
                trial.expectGone(.exited(1)) { trial.loseMount(.abort, of: server) }
                let said = server.process.errorOutput
                trial.expect(said.contains("serverfs: the mount is gone"), "it said: \(said)")
            },
        ]
}

extension Trial {
    func loseMount(_ loss: MountLoss, of server: ServerProcess) {
        switch loss {
        case .abort:
            guard let mount = try? MountTable.entry(at: server.mountPoint) else {
                fail("there is no mount to abort")
                return
            }
            expect(FuseConnection.abort(device: mount.device), "the connection could not be aborted")
        case .detach: _ = try? help(["umount", "-l", server.mountPoint]).wait(seconds: 5)
        case .force: _ = try? help(["umount", "-f", server.mountPoint]).wait(seconds: 5)
        }
    }

    /// Expects the server to go on, to say that the mount is lost and made again, and to use it again.
    func expectHealing(_ server: ServerProcess, after loss: () -> Void) {
        let before = server.process.errorOutput.utf8.count
        let moment = Stopwatch()
        loss()
        expectServiceBack(since: moment)
        expectMountedAgain(server, saidSince: before)
        let stuck = ledger.stuckThreads()
        if !stuck.isEmpty { hang("in state D: \(stuck.sorted())") }
    }

    func expectMountedAgain(_ server: ServerProcess, saidSince start: Int, within limit: Double = 5) {
        var said = ""
        let isSaid = eventually(seconds: limit) {
            said = String(decoding: server.process.errorOutput.utf8.dropFirst(start), as: UTF8.self)
            return said.contains("serverfs: mounted again")
        }
        expect(isSaid, "it has not said within \(limit) s that it has mounted again: \(said)")
        expect(said.contains("serverfs: the mount is gone"), "it has not said that the mount is gone")
        guard isSaid else { return }
        expect(server.isMounted, "nothing is mounted at \(server.mountPoint)")
        do {
            let before = try server.metrics()
            _ = try HTTPConnection.fetch(server.port, "/\(Content.names[0])")
            let after = try server.metrics()
            expect(after.requests(via: "mount") > before.requests(via: "mount"), "the mount is not used again")
            expect(after["serverfs_mount_degraded"] == 0, "serverfs_mount_degraded is not 0")
            expect(after["serverfs_mount_losses_total"] > 0, "serverfs_mount_losses_total is 0")
        } catch {
            fail("after the mount was made again: \(error)")
        }
    }

    /// Takes mount and mount point away, so that it stays lost, and gives the folder back afterwards.
    fileprivate func withoutMountPoint(_ policy: String, _ body: (ServerProcess) throws -> Void) throws {
        let mountPoint = try folder.makeFolder("mount")
        let server = try serve(Trial.uncached + ["--mount-point", mountPoint, "--on-mount-loss", policy])
        guard let mount = try MountTable.entry(at: mountPoint) else { return }
        // All at once, as far as the server can see.
        server.signal(SIGSTOP)
        umount2(mountPoint, CInt(MNT_DETACH))
        rmdir(mountPoint)
        try folder.write("mount", "not a folder")
        _ = FuseConnection.abort(device: mount.device)
        server.signal(SIGCONT)
        let isSaid = eventually(seconds: 3) { server.process.errorOutput.contains("serverfs: the mount is gone") }
        expect(isSaid, "it has not said that the mount is gone")
        usleep(300_000)
        try body(server)
        unlink(mountPoint)
        _ = try folder.makeFolder("mount")
        let isBack = eventually(seconds: 15) { server.process.errorOutput.contains("serverfs: mounted again") }
        expect(isBack, "not mounted again within 15 s of the folder's return")
        expectServiceBack()
    }
}

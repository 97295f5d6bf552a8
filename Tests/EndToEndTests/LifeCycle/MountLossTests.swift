import Glibc
import Platform
import Testing
import TestSupport

extension EndToEnd {
    /// A mount that is taken away while it is served from: the service goes on, and mounts again.
    @Suite(.enabled(if: Capability.isRoot, "only root may unmount by force"), .timeLimit(.minutes(2)))
    struct MountLossTests {
        enum Loss: CaseIterable, CustomTestStringConvertible {
            case abort, detach, force

            var testDescription: String { "\(self)" }
        }

        static func lose(_ server: ServerProcess, by loss: Loss) throws {
            switch loss {
            case .abort:
                let entry = try #require(try MountTable.entry(at: server.mountPoint))
                #expect(FuseConnection.abort(device: entry.device))
            case .detach: #expect(ChildProcess.run(["umount", "-l", server.mountPoint]) == .exited(0))
            // It aborts, and then finds the mount in use.
            case .force: _ = ChildProcess.run(["umount", "-f", server.mountPoint])
            }
        }

        @Test(arguments: Loss.allCases, [["--fuse-cache", "none"], []])
        func theServiceGoesOnAndMountsAgain(_ loss: Loss, _ options: [String]) throws {
            let site = try Site(["file": "bytes", "other": "others"], options: options)
            let kept = try site.connect(.mount)
            for round in 1...3 {
                #expect(try kept.exchange("/file").bodyText == "bytes")
                try Self.lose(site.server, by: loss)
                for _ in 1...5 {
                    #expect(try site.fetch(.mount, "/file").bodyText == "bytes")
                    #expect(try site.fetch(.mount, "/other").bodyText == "others")
                    #expect(try kept.exchange("/file").bodyText == "bytes")
                }
                let isBack = eventually(seconds: 10) {
                    site.server.process.errorOutput.split(separator: "\n")
                        .count { $0.hasPrefix("serverfs: mounted again") } == round
                }
                #expect(isBack)
                #expect(site.server.isMounted)
            }
            // It is read through the new mount, and the mount shows the present.
            let before = try site.server.metrics()
            #expect(before["serverfs_mount_losses_total"] == 3)
            #expect(before["serverfs_mount_degraded"] == 0)
            try site.write("new", "new bytes")
            #expect(try site.fetch(.mount, "/new").bodyText == "new bytes")
            let after = try site.server.metrics()
            #expect(after.fuseRequests("lookup") > before.fuseRequests("lookup"))
            #expect(after.requests(via: "mount") == before.requests(via: "mount") + 1)
            #expect(site.server.stop() == .exited(0))
            #expect(site.server.leftovers.isEmpty)
        }

        /// A mount that is taken out of the tree answers still, until nobody asks it any more.
        @Test(arguments: [["--fuse-cache", "none"], []])
        func noRequestIsLostWithAMountThatIsDetached(_ options: [String]) throws {
            let site = try Site(["file": "bytes"], options: options + ["--workers", "2"])
            let done = SharedFlag()
            let clients = try ClientThreads(2) { _ in
                let connection = try site.connect(.mount)
                while !done.isSet {
                    guard try connection.exchange("/file").bodyText == "bytes" else {
                        throw ClientFailure.mismatch("another answer")
                    }
                }
            }
            // Sent in several turns: where one of them is late by more than 0.2 s, it is cut off.
            let large = RandomBytes.make(3 << 20)
            try site.write("large", large)
            let cut = SharedCount()
            let largeClients = try ClientThreads(2) { _ in
                var connection = try site.connect(.mount)
                while !done.isSet {
                    do {
                        guard try connection.exchange("/large").body == large else {
                            throw ClientFailure.mismatch("another large body")
                        }
                    } catch ClientFailure.closed {
                        cut.add()
                        connection = try site.connect(.mount)
                    }
                }
            }
            var unharmed = 0
            for round in 1...5 {
                let cutBefore = cut.value
                defer { if cut.value == cutBefore { unharmed += 1 } }
                try Self.lose(site.server, by: .detach)
                let isBack = eventually(seconds: 20) {
                    site.server.process.errorOutput.split(separator: "\n")
                        .count { $0.hasPrefix("serverfs: mounted again") } == round
                }
                #expect(isBack)
            }
            done.set()
            try clients.join()
            try largeClients.join()
            let metrics = try site.server.metrics()
            #expect(metrics["serverfs_mount_losses_total"] == 5)
            #expect(metrics["serverfs_http_truncated_responses_total"] == UInt64(cut.value))
            #expect(unharmed >= 3, "\(cut.value) cut off")
        }

        /// Under load an event loop may find out about the old mount when the new one is there already.
        @Test(.enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func eachLossIsNoticedOnce() throws {
            let site = try Site(
                ["file": String(repeating: "f", count: 26_400)],
                options: ["--fuse-cache", "none", "--fuse-open", "per-open", "--workers", "4"])
            let load = try ChildProcess(
                ["wrk", "-t1", "-c100", "-d60s", "http://127.0.0.1:\(site.server.port)/file"], in: site.folder)
            for round in 1...5 {
                try Self.lose(site.server, by: .abort)
                let isBack = eventually(seconds: 10) {
                    site.server.process.errorOutput.split(separator: "\n")
                        .count { $0.hasPrefix("serverfs: mounted again") } >= round
                }
                #expect(isBack)
                usleep(200_000)
            }
            load.signal(SIGKILL)
            #expect(try site.server.metrics()["serverfs_mount_losses_total"] == 5)
            #expect(site.server.stop() == .exited(0))
        }

        /// Somebody's files in the mount point's place keep it from being mounted again until they are gone.
        @Test
        func whileItCannotMountTheOperatorsChoiceIsServed() throws {
            for (policy, status) in [("bypass", 200), ("503", 503)] {
                let folder = try PrivateFolder()
                let mountPoint = try folder.makeFolder("mount")
                let site = try Site(
                    ["file": "bytes"], options: ["--mount-point", mountPoint, "--on-mount-loss", policy])
                // Beneath the mount, where it shows once that is gone.
                let beneath = try folder.makeFolder("beneath")
                #expect(ChildProcess.run(["mount", "--bind", folder.path, beneath]) == .exited(0))
                try folder.write("beneath/mount/in-the-way", "x")
                #expect(ChildProcess.run(["umount", beneath]) == .exited(0))
                #expect(ChildProcess.run(["umount", "-l", mountPoint]) == .exited(0))
                let hasFailed = eventually(seconds: 5) {
                    site.server.process.errorOutput.contains("cannot mount again")
                }
                #expect(hasFailed)
                #expect(try site.server.metrics()["serverfs_mount_degraded"] == 1)
                let response = try site.fetch(.mount, "/file")
                #expect(response.status == status)
                #expect(response["Retry-After"] == (status == 503 ? "1" : nil))
                #expect(try site.fetch(.bypass, "/file").bodyText == "bytes")
                unlink("\(mountPoint)/in-the-way")
                let isBack = eventually(seconds: 10) { site.server.process.errorOutput.contains("mounted again") }
                #expect(isBack)
                #expect(try site.fetch(.mount, "/file").bodyText == "bytes")
                #expect(try site.server.metrics()["serverfs_mount_degraded"] == 0)
            }
        }

        @Test
        func theProcessEndsWhereThatIsChosen() throws {
            let site = try Site(["file": "bytes"], options: ["--on-mount-loss", "exit"])
            try Self.lose(site.server, by: .abort)
            #expect(site.server.process.wait(seconds: 3) == .exited(1))
            #expect(site.server.process.errorOutput.contains("serverfs: the mount is gone"))
            #expect(site.server.leftovers.isEmpty)
        }

        /// Its folder was made for the mount, and is nobody's while there is none.
        @Test
        func aServerThatCannotMountAgainLeavesNothing() throws {
            let site = try Site(["file": "bytes"])
            // Taken away again and again, and its folder too: sooner or later it waits before it tries again.
            let path = site.server.mountPoint
            #expect(ChildProcess.run(["umount", "-l", path]) == .exited(0))
            for _ in 1...20 {
                _ = ChildProcess.run(["umount", "-l", path])
                rmdir(path)
                #expect(try site.fetch(.mount, "/file").bodyText == "bytes")
            }
            #expect(site.server.stop() == .exited(0))
            #expect(site.server.leftovers.isEmpty)
        }

        @Test
        func aMountInUseIsNotTakenAwayByAPlainUnmount() throws {
            let site = try Site(["file": "bytes"])
            #expect(ChildProcess.run(["umount", site.server.mountPoint]) != .exited(0))
            #expect(try site.fetch(.mount, "/file").bodyText == "bytes")
            #expect(try site.server.metrics()["serverfs_mount_losses_total"] == 0)
        }
    }
}

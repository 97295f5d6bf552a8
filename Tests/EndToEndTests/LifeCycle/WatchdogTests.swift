import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// The process that takes the mount away when the server cannot any more, or does not answer.
    @Suite(.timeLimit(.minutes(2)))
    struct WatchdogTests {
        /// Every read of a file is a request that a FUSE thread must answer.
        private static let uncached = ["--fuse-cache", "none", "--fuse-open", "per-open"]
        private static let content = String(repeating: "w", count: 264_000)

        private func expectNothingLeft(_ server: ServerProcess) {
            let hasEnded = eventually(seconds: 2) { ProcessFacts.hasEnded(server.watchdog) }
            #expect(hasEnded)
            #expect(!server.isMounted)
            #expect(server.leftovers.isEmpty)
            #expect(ProcessFacts.hasEnded(server.identifier))
        }

        private func load(_ site: Site) throws -> ChildProcess {
            try ChildProcess(
                ["wrk", "-t1", "-c100", "-d20s", "http://127.0.0.1:\(site.server.port)/file"], in: site.folder)
        }

        // MARK: - The server dies

        @Test func anIdleServerThatIsKilledLeavesNothing() throws {
            let server = try Site(["file": "x"]).server
            #expect(server.isMounted)
            #expect(server.watchdog != 0)
            #expect(server.stop(SIGKILL, seconds: 2) == .signaled(SIGKILL))
            expectNothingLeft(server)
        }

        /// Requests are being answered at the moment of the kill: threads that wait for them cannot be killed, and keep all
        /// descriptors open, /dev/fuse's too. Only cutting the connection frees them.
        @Test(.enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func aServerKilledUnderLoadLeavesNothing() throws {
            for _ in 1...5 {
                let site = try Site(["file": Self.content], options: Self.uncached)
                let load = try load(site)
                usleep(UInt32.random(in: 200_000...600_000))
                let time = seconds { #expect(site.server.stop(SIGKILL, seconds: 5) == .signaled(SIGKILL)) }
                #expect(time < 2)
                expectNothingLeft(site.server)
                load.signal(SIGKILL)
            }
        }

        /// A process that dumps core waits for its threads first.
        @Test(.enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func aServerThatAbortsUnderLoadLeavesNothing() throws {
            let site = try Site(
                ["file": Self.content], options: Self.uncached,
                prefix: ["env", "SWIFT_BACKTRACE=enable=no", "prlimit", "--core=0"])
            let load = try load(site)
            usleep(400_000)
            #expect(site.server.stop(SIGABRT, seconds: 10) == .signaled(SIGABRT))
            expectNothingLeft(site.server)
            load.signal(SIGKILL)
        }

        @Test func aServerKilledWhileItStartsLeavesNothing() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let temporary = try folder.makeFolder("tmp")
            for round in 0..<20 {
                let process = try ChildProcess(
                    [ServerProcess.binaryPath, docroot, "--listen", "127.0.0.1:0"], in: folder,
                    environment: ["TMPDIR": temporary])
                usleep(UInt32(round) * 5000)
                process.signal(SIGKILL)
                #expect(process.wait(seconds: 2) != nil)
            }
            let isClean = eventually(seconds: 3) {
                PrivateFolder.names(in: temporary).isEmpty && PrivateFolder.mounts(below: folder.path).isEmpty
            }
            #expect(isClean)
        }

        /// What the terminal or a supervisor sends to everybody must not end the watchdog before its work.
        @Test func itOutlivesSignalsThatEndTheServer() throws {
            let server = try Site(["file": "x"], prefix: ["setsid"]).server
            for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP] {
                kill(server.watchdog, signal)
            }
            usleep(200_000)
            #expect(!ProcessFacts.hasEnded(server.watchdog))
            // Ctrl-C is for the whole group of the foreground.
            #expect(getpgid(server.watchdog) != server.identifier)
            #expect(getsid(server.watchdog) != getsid(server.identifier))
            #expect(server.stop(SIGKILL, seconds: 2) == .signaled(SIGKILL))
            expectNothingLeft(server)
        }

        /// `pkill -9 serverfs` must leave somebody to clean up.
        @Test(.enabled(if: Capability.isInstalled("pgrep"), "pgrep is not installed"))
        func itIsNotTakenForTheServer() throws {
            let site = try Site(["file": "x"])
            let server = site.server
            for pattern in [["serverfs"], ["-f", ServerProcess.binaryPath]] {
                let found = try ChildProcess(["pgrep"] + pattern, in: site.folder)
                #expect(found.wait(seconds: 5) == .exited(0))
                let processes = found.output.split(separator: "\n")
                #expect(processes.contains("\(server.identifier)"))
                #expect(!processes.contains("\(server.watchdog)"))
            }
        }

        /// On a machine that has fusectl mounted, as systemd does: an ordinary user cannot.
        @Test(.enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason))
        func anOrdinaryUsersServerLeavesNothingEither() throws {
            let connections = "/sys/fs/fuse/connections"
            let user = try OrdinaryUser(
                preparation: "mountpoint -q \(connections) || mount -t fusectl none \(connections)")
            let site = try Site(["file": Self.content], options: Self.uncached, prefix: user.prefix)
            #expect(user.mounts(below: user.temporaryFolder).count == 1)
            #expect(site.server.bannerValue("unavailable")?.contains("fusectl") == false)
            #expect(try site.fetch(.mount, "/file").status == 200)
            #expect(site.server.stop(SIGKILL, seconds: 2) == .signaled(SIGKILL))
            expectNothingLeft(site.server)
            #expect(user.mounts(below: user.temporaryFolder).isEmpty)
            #expect(PrivateFolder.names(in: user.temporaryFolder).isEmpty)
        }

        // MARK: - The server stands still

        @Test func aStoppedServersMountIsAborted() throws {
            let site = try Site(["file": "x"], options: Self.uncached + ["--fuse-stall-timeout", "1"])
            let server = site.server
            server.signal(SIGSTOP)
            let stopwatch = Stopwatch()
            let cat = try ChildProcess(["cat", "\(server.mountPoint)/file"], in: site.folder)
            #expect(cat.wait(seconds: 5) == .exited(1))
            #expect(stopwatch.wallSeconds > 0.9)
            #expect(cat.errorOutput.contains("cat: "))
            #expect(!ProcessFacts.hasEnded(server.watchdog))
            server.signal(SIGCONT)
            #expect(try site.fetch(.bypass, "/file").status == 200)
            #expect(server.stop(SIGTERM, seconds: 3) == .exited(0))
            expectNothingLeft(server)
        }

        @Test func withoutATimeoutAStoppedServersMountIsLeftAlone() throws {
            let site = try Site(["file": "x"], options: Self.uncached + ["--fuse-stall-timeout", "off"])
            site.server.signal(SIGSTOP)
            let cat = try ChildProcess(["cat", "\(site.server.mountPoint)/file"], in: site.folder)
            #expect(cat.wait(seconds: 2.5) == nil)
            site.server.signal(SIGCONT)
            #expect(cat.wait(seconds: 5) == .exited(0))
            #expect(cat.output == "x")
        }

        /// Something always waits for an answer here, and something is always answered.
        @Test(.enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func aBusyMountIsLeftAlone() throws {
            let site = try Site(["file": Self.content], options: Self.uncached + ["--fuse-stall-timeout", "1"])
            let load = try load(site)
            sleep(4)
            #expect(try site.fetch(.mount, "/file").status == 200)
            #expect(try site.server.metrics().fuseRequests("read") > 100)
            load.signal(SIGKILL)
            #expect(site.server.stop() == .exited(0))
            expectNothingLeft(site.server)
        }

        /// As in many containers. The watchdog then reaches the control files through a mount that nobody sees.
        @Test(.enabled(if: Capability.mountNamespaces, "unshare -m does not work here"))
        func itNeedsNoFusectlMounted() throws {
            let without = "umount /sys/fs/fuse/connections 2>/dev/null; exec \"$@\""
            let site = try Site(
                ["file": "x"], options: Self.uncached + ["--fuse-stall-timeout", "1"],
                prefix: ["unshare", "-m", "bash", "-c", without, "bash"])
            let server = site.server
            #expect(server.bannerValue("unavailable") == "nothing")
            server.signal(SIGSTOP)
            let cat = try ChildProcess(
                ["nsenter", "-t", "\(server.identifier)", "-m", "cat", "\(server.mountPoint)/file"], in: site.folder)
            #expect(cat.wait(seconds: 5) == .exited(1))
            server.signal(SIGCONT)
            #expect(server.stop(SIGKILL, seconds: 2) == .signaled(SIGKILL))
            expectNothingLeft(server)
        }

        // MARK: - The watchdog itself

        @Test func itEndsWithTheServer() throws {
            let server = try Site(["file": "x"]).server
            #expect(!ProcessFacts.hasEnded(server.watchdog))
            #expect(server.stop() == .exited(0))
            // The server has taken note of its end, too.
            #expect(!ProcessFacts.exists(server.watchdog))
            #expect(server.process.errorOutput.isEmpty)
        }

        @Test func theServerGoesOnWithoutIt() throws {
            let site = try Site(["file": "x"])
            let server = site.server
            kill(server.watchdog, SIGKILL)
            let isSaid = eventually(seconds: 2) {
                server.process.errorOutput.contains("the watchdog process has ended")
            }
            #expect(isSaid)
            #expect(!ProcessFacts.exists(server.watchdog))
            #expect(try site.fetch(.mount, "/file").status == 200)
            #expect(server.stop() == .exited(0))
            expectNothingLeft(server)
        }

        @Test func itHoldsNothingThatKeepsAMountOrAClientWaiting() throws {
            let site = try Site(["file": "x"])
            let targets = ProcessFacts.descriptorTargets(site.server.watchdog)
            #expect(targets.contains { $0.hasSuffix("/abort") })
            #expect(!targets.contains("/dev/fuse"))
            #expect(!targets.contains { $0.hasPrefix("socket:") })
            #expect(targets.count <= 8, "\(targets)")
        }

        @Test func itIsSmall() throws {
            let site = try Site(["file": "x"])
            sleep(1)
            func kibibytes(_ name: String, _ identifier: pid_t, _ file: String) throws -> Int {
                try #require(ProcessFacts.value(name, of: identifier, file: file).flatMap { Int($0) })
            }
            let resident = try kibibytes("VmRSS", site.server.watchdog, "status")
            let own = try kibibytes("Private_Dirty", site.server.watchdog, "smaps_rollup")
            print("watchdog: \(resident) KiB resident, \(own) KiB of it its own")
            #expect(resident < 8192)
            #expect(own < 1024)
        }

        @Test func withoutAMountThereIsNone() throws {
            let server = try ServerProcess(["--bypass", "/usr/include", "--listen", "127.0.0.1:0"])
            #expect(server.watchdog == 0)
            #expect(!server.banner.contains("watchdog"))
        }

        @Test(arguments: ["0", "3601", "ten", "-1", ""])
        func aTimeoutOutOfRangeIsRefused(_ value: String) throws {
            try FailedStart(["--fuse-stall-timeout=\(value)"], in: PrivateFolder())
                .expectUsageError("--fuse-stall-timeout")
        }
    }
}

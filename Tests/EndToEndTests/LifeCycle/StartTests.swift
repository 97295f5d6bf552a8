import Glibc
import Platform
import Testing

extension EndToEnd {
    /// How the server starts, and that starting again and again leaves nothing.
    @Suite(.timeLimit(.minutes(1)))
    struct StartTests {
        private let folder: PrivateFolder
        private let docroot: String
        private let temporary: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            temporary = try folder.makeFolder("tmp")
            try folder.write("docroot/index.html", "index")
        }

        private func expectNothingLeft() {
            #expect(PrivateFolder.names(in: temporary).isEmpty)
            #expect(PrivateFolder.mounts(below: folder.path).isEmpty)
        }

        @Test func fiftyStartsAndStopsLeaveNothing() throws {
            var processes: [pid_t] = []
            for round in 0..<50 {
                let server = try ServerProcess.serving(docroot, prefix: ["env", "TMPDIR=\(temporary)"])
                processes.append(server.identifier)
                #expect(PrivateFolder.mounts(below: temporary).count == 1)
                #expect(try HTTPConnection.fetch(server.ports[round % 2], "/").bodyText == "index")
                #expect(server.stop(round % 2 == 0 ? SIGTERM : SIGINT, seconds: 2) == .exited(0))
                expectNothingLeft()
            }
            #expect(!processes.contains { ProcessFacts.exists($0) })
        }

        /// At any moment of the start; before it takes notice of signals, one simply ends it.
        @Test func aSignalDuringTheStartLeavesNothing() throws {
            let startMilliseconds = try seconds { _ = try ServerProcess.serving(docroot) } * 1000
            for moment in 0..<40 {
                let delay = Int(startMilliseconds * Double(moment) / 40)
                let process = try ChildProcess(
                    [ServerProcess.binaryPath, docroot, "--listen", "127.0.0.1:0"], in: folder,
                    environment: ["TMPDIR": temporary])
                usleep(UInt32(delay) * 1000)
                process.signal(SIGTERM)
                let status = process.wait(seconds: 2)
                #expect(status == .exited(0) || status == .signaled(SIGTERM), "after \(delay) ms")
                expectNothingLeft()
            }
        }

        /// The start waits for a docroot that does not answer: the second signal ends it, as it does at any other time.
        @Test func aStartThatIsStuckCanBeEnded() throws {
            let stalling = try StallingFolder(["file": [1]], in: folder, isCached: false)
            try stalling.stall()
            let process = try ChildProcess(
                [ServerProcess.binaryPath, stalling.path, "--listen", "127.0.0.1:0"], in: folder,
                environment: ["TMPDIR": temporary])
            let isStuck = eventually(seconds: 5) { ProcessFacts.threadNames(process.identifier).contains("signals") }
            #expect(isStuck)
            process.signal(SIGTERM)
            #expect(process.wait(seconds: 0.5) == nil)
            process.signal(SIGTERM)
            #expect(process.wait(seconds: 2) == .exited(128 + SIGTERM))
            #expect(process.output.isEmpty)
            #expect(PrivateFolder.names(in: temporary).isEmpty)
        }

        @Test func twoServersOfOneDocrootDoNotDisturbEachOther() throws {
            let first = try ServerProcess.serving(docroot)
            let second = try ServerProcess.serving(docroot)
            #expect(first.mountPoint != second.mountPoint)
            #expect(first.stop() == .exited(0))
            #expect(try HTTPConnection.fetch(second.port, "/").bodyText == "index")
        }

        @Test func theMountOfAnotherServerCanBeTheDocroot() throws {
            let first = try ServerProcess.serving(docroot)
            let second = try ServerProcess.serving(first.mountPoint)
            #expect(try HTTPConnection.fetch(second.port, "/").bodyText == "index")
            #expect(second.stop() == .exited(0))
            #expect(first.stop() == .exited(0))
        }

        @Test func theOperatorsMountPointIsKept() throws {
            let mountPoint = try folder.makeFolder("mount point, with \\ and comma")
            let server = try ServerProcess.serving(docroot, ["--mount-point", mountPoint])
            #expect(server.mountPoint == mountPoint)
            #expect(server.isMounted)
            #expect(server.leftovers.isEmpty)
            #expect(try HTTPConnection.fetch(server.port, "/").bodyText == "index")
            #expect(server.stop() == .exited(0))
            #expect(!server.isMounted)
            #expect(folder.contains("mount point, with \\ and comma"))
        }

        /// A docroot that holds its TMPDIR would hold its own mount.
        @Test func thePrivateMountPointIsNeverInTheDocroot() throws {
            let server = try ServerProcess.serving(folder.path, prefix: ["env", "TMPDIR=\(temporary)"])
            #expect(server.isMounted)
            #expect(!server.mountPoint.hasPrefix("\(folder.path)/"))
            #expect(try HTTPConnection.fetch(server.port, "/docroot/index.html").bodyText == "index")
            #expect(server.stop() == .exited(0))
            #expect(!server.isMounted)
            #expect(access(server.mountPoint, F_OK) != 0)
            expectNothingLeft()
        }

        @Test func aDocrootOfAnyNameIsServed() throws {
            for name in ["a space", "a,comma", "back\\slash", "quote\"'", "new\nline", "ü", "-o", "a:b=c"] {
                let docroot = try folder.makeFolder(name)
                try folder.write("\(name)/file", name)
                let server = try ServerProcess.serving(docroot)
                #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == name)
                #expect(server.stop() == .exited(0))
            }
            expectNothingLeft()
        }

        @Test func aRelativeDocrootAndALinkToOneAreServed() throws {
            symlink("docroot", "\(folder.path)/link")
            for path in [".", "../link", "\(folder.path)/link/"] {
                let server = try ServerProcess(
                    [path, "--listen", "127.0.0.1:0"], prefix: ["env", "-C", docroot])
                #expect(server.bannerValue("docroot") == docroot)
                #expect(try HTTPConnection.fetch(server.port, "/").bodyText == "index")
            }
        }

        @Test func listenCanBeRepeatedAndTakesIPv6() throws {
            let addresses = ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]
            let server = try ServerProcess(["serve", docroot] + addresses.flatMap { ["--listen", $0] })
            let lines = server.banner.split(separator: "\n").filter { $0.hasPrefix("  listen ") }
            #expect(lines.count == 3)
            #expect(lines.last?.contains("http://[::1]:") == true)
            #expect(try HTTPConnection.fetch(server.port, "/").bodyText == "index")
        }

        /// As a daemon manager may start it: nothing that it opens may end up on the numbers of the streams.
        @Test func closedStandardStreamsAreNoHarm() throws {
            let port = try OccupiedPort.findFree()
            let process = try ChildProcess(
                [
                    "bash", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", ServerProcess.binaryPath, docroot, "--listen",
                    "127.0.0.1:\(port)",
                ], in: folder, environment: ["TMPDIR": temporary])
            let isServing = eventually(seconds: 5) { (try? HTTPConnection.fetch(port, "/"))?.bodyText == "index" }
            #expect(isServing)
            process.signal(SIGUSR1)
            usleep(100_000)
            #expect(try HTTPConnection.fetch(port, "/").bodyText == "index")
            process.signal(SIGTERM)
            #expect(process.wait(seconds: 2) == .exited(0))
            expectNothingLeft()
        }

        @Test func theLimitOnDescriptorsIsRaisedAndSaid() throws {
            let server = try ServerProcess.serving(docroot, prefix: ["prlimit", "--nofile=256:4096"])
            #expect(server.bannerValue("descriptors") == "4096 (raised from 256)")
            #expect(try HTTPConnection.fetch(server.port, "/").bodyText == "index")
        }

        /// So few that not everything fits: less is kept open, which is said, and what is too much is answered 503.
        @Test func aHardLimitOnDescriptorsIsLivedWith() throws {
            let server = try ServerProcess.serving(docroot, prefix: ["prlimit", "--nofile=128:128"])
            #expect(server.bannerValue("descriptors") == "128")
            #expect(server.bannerValue("unavailable")?.contains("open-file-cache") == true)
            let connections = try (0..<200).map { _ in try HTTPConnection(port: server.port) }
            var statuses: [Int: Int] = [:]
            for connection in connections {
                let status = (try? connection.exchange("/").status) ?? 0
                statuses[status, default: 0] += 1
            }
            // Nothing but service, refusal, and the reset that can follow a refusal.
            #expect(Set(statuses.keys).isSubset(of: [200, 503, 0]), "\(statuses)")
            #expect(statuses[200, default: 0] >= 8, "\(statuses)")
            #expect(server.stop() == .exited(0))
        }
    }
}

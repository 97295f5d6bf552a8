import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// /dev/fuse on the lowest descriptors: a process that ends has them closed from the lowest on, and no close of a file of
    /// its own mount may wait for it.
    @Suite(.timeLimit(.minutes(2)))
    struct ChannelNumberTests {
        /// Every read is a READ, so that files of the mount are open all the time.
        private static let uncached = ["--fuse-cache", "none", "--fuse-open", "per-open", "--fuse-threads", "5"]

        /// Looks at a server's descriptors until it has seen files of the mount often, and compares their numbers.
        private func expectChannelsBelowFiles(_ server: ServerProcess, count: Int) throws {
            let mountID = try #require(try MountTable.entry(at: server.mountPoint)).mountID
            var channels: Set<Int> = []
            var files: Set<Int> = []
            var looks = 0
            let hasSeen = eventually(seconds: 10) {
                let descriptors = ProcessFacts.descriptors(server.identifier)
                channels.formUnion(descriptors.filter { $0.target == "/dev/fuse" }.map(\.number))
                // Those of a mount that is gone, too, which responses under way may hold.
                let ofMount = descriptors.filter { $0.mountID == mountID || $0.target.hasPrefix(server.mountPoint) }
                files.formUnion(ofMount.map(\.number))
                // The root alone does not tell: it is opened before the first request.
                if ofMount.count > 1 { looks += 1 }
                return looks >= 20
            }
            #expect(hasSeen)
            #expect(channels.count == count, "\(channels.sorted())")
            let (highest, lowest) = (channels.max() ?? .max, files.min() ?? 0)
            #expect(highest < lowest, "/dev/fuse \(channels.sorted()), files of the mount \(files.sorted())")
        }

        private func load(_ site: Site) throws -> ChildProcess {
            try ChildProcess(
                ["wrk", "-t1", "-c50", "-d60s", "http://127.0.0.1:\(site.server.port)/file"], in: site.folder)
        }

        private func lose(_ server: ServerProcess, by loss: MountLossTests.Loss, round: Int) throws {
            try MountLossTests.lose(server, by: loss)
            let isBack = eventually(seconds: 10) {
                server.process.errorOutput.split(separator: "\n")
                    .count { $0.hasPrefix("serverfs: mounted again") } == round
            }
            #expect(isBack)
        }

        /// Mounted again while many numbers are taken, which then get free: with nothing kept for it, /dev/fuse would be above
        /// nearly everything.
        @Test(
            .enabled(if: Capability.isRoot, "only root may unmount by force"),
            .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"),
            arguments: MountLossTests.Loss.allCases)
        func allAreBelowTheMountsFilesUnderLoadAndAfterARemount(_ loss: MountLossTests.Loss) throws {
            let site = try Site(["file": String(repeating: "f", count: 264_000)], options: Self.uncached)
            for round in 1...2 {
                let load = try load(site)
                try expectChannelsBelowFiles(site.server, count: 5)
                let connections = try (0..<100).map { _ in try site.connect(.mount) }
                for connection in connections { #expect(try connection.exchange("/file").status == 200) }
                try lose(site.server, by: loss, round: round)
                load.signal(SIGKILL)
            }
            let load = try load(site)
            try expectChannelsBelowFiles(site.server, count: 5)
            load.signal(SIGKILL)
            #expect(site.server.stop(SIGKILL, seconds: 2) == .signaled(SIGKILL))
        }

        /// By fusermount3, which opens /dev/fuse itself and passes it on.
        @Test(
            .enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason),
            .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func thoseOfAnOrdinaryUserAreToo() throws {
            let site = try Site(
                ["file": String(repeating: "f", count: 264_000)], options: Self.uncached, prefix: User.nobody.prefix)
            let load = try load(site)
            try expectChannelsBelowFiles(site.server, count: 5)
            load.signal(SIGKILL)
        }

        /// A thread that takes a stuck one's place takes its channel too: another would have no number kept for it.
        @Test func threadsThatReplaceStuckOnesNeedNoMore() throws {
            let folder = try PrivateFolder()
            var files = ["warm": Array("warm".utf8)]
            for index in 0..<12 { files["cold\(index)"] = Array("cold".utf8) }
            let docroot = try StallingFolder(files, in: folder)
            let server = try ServerProcess.serving(
                docroot.path, ["--stall-timeout", "30", "--fuse-stall-timeout", "off", "--fuse-threads", "2"])
            #expect(try HTTPConnection.fetch(server.port, "/warm").bodyText == "warm")
            func channels() -> Int {
                ProcessFacts.descriptors(server.identifier).count { $0.target == "/dev/fuse" }
            }
            #expect(channels() == 2)
            try docroot.stall()
            let stuck = try (0..<12).map { index in
                let connection = try HTTPConnection(port: server.port)
                try connection.socket.send(HTTPConnection.request("/cold\(index)"))
                return connection
            }
            let areReplaced = eventually(seconds: 10) {
                ProcessFacts.threadNames(server.identifier).count { $0.hasPrefix("fuse-") } >= 10
            }
            #expect(areReplaced)
            #expect(channels() == 2)
            docroot.resume()
            for connection in stuck { #expect(try connection.receiveResponse().bodyText == "cold") }
            // Each is answered on the channel that it came by, and the channel serves on.
            let areGone = eventually(seconds: 5) {
                ProcessFacts.threadNames(server.identifier).count { $0.hasPrefix("fuse-") } == 2
            }
            #expect(areGone)
            #expect(channels() == 2)
            for index in 0..<12 { #expect(try HTTPConnection.fetch(server.port, "/cold\(index)").bodyText == "cold") }
            #expect(server.stop() == .exited(0))
        }
    }
}

import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// A mount that is lost while the docroot does not answer, not even to what is asked for to mount again.
    @Suite(.enabled(if: Capability.isRoot, "only root may cut a connection"), .timeLimit(.minutes(2)))
    struct StuckKeeperTests {
        private let folder: PrivateFolder
        private let docroot: StallingFolder

        init() throws {
            folder = try PrivateFolder()
            docroot = try StallingFolder(["file": Array("bytes".utf8)], in: folder, isCached: false)
        }

        private func said(_ text: String, by server: ServerProcess) -> Int {
            server.process.errorOutput.split(separator: "\n").count { $0.hasPrefix("serverfs: \(text)") }
        }

        /// The thread `mount-keeper` waits in the docroot's file system and cannot be joined: the end does not wait for it.
        @Test func aKeeperThatIsStuckInTheDocrootDoesNotHoldUpTheEnd() throws {
            let server = try ServerProcess.serving(docroot.path, ["--fuse-stall-timeout", "off"])
            #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "bytes")
            try docroot.stall()
            try MountLossTests.lose(server, by: .abort)
            #expect(eventually(seconds: 5) { said("the mount is gone", by: server) == 1 })
            // It would be mounted again within milliseconds.
            usleep(500_000)
            #expect(said("mounted again", by: server) == 0)
            let time = seconds { #expect(server.stop(SIGTERM, seconds: 10) == .exited(1)) }
            #expect(time < 4)
            #expect(server.process.errorOutput.contains("a thread is stuck in the docroot; leaving it"))
            let isClean = eventually(seconds: 3) {
                ProcessFacts.hasEnded(server.watchdog) && server.leftovers.isEmpty && !server.isMounted
            }
            #expect(isClean)
        }

        /// Each attempt to mount again gets as far as a session, whose FUSE thread is stuck in the docroot when the watchdog
        /// aborts it: it cannot be ended at once, but it is once the docroot answers.
        @Test func sessionsThatCouldNotBeEndedAreEndedWhenTheDocrootIsBack() throws {
            let server = try ServerProcess.serving(
                docroot.path,
                [
                    "--fuse-cache", "none", "--fuse-open", "per-open", "--fuse-stall-timeout", "1", "--stall-timeout",
                    "2",
                ])
            var counts: [Int] = []
            for round in 1...4 {
                #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "bytes")
                try docroot.stall()
                try MountLossTests.lose(server, by: .abort)
                #expect(eventually(seconds: 15) { said("cannot mount again", by: server) == round })
                #expect(eventually(seconds: 15) { said("a FUSE thread is stuck", by: server) == round })
                docroot.resume()
                #expect(eventually(seconds: 15) { said("mounted again", by: server) == round })
                // What belongs to the last request may be closed a moment later.
                usleep(300_000)
                counts.append(ProcessFacts.descriptorCount(server.identifier))
            }
            let areClosed = eventually(seconds: 10) {
                ProcessFacts.descriptorCount(server.identifier) <= counts[0] + 2
            }
            #expect(areClosed, "descriptors after each round: \(counts)")
            #expect(try server.metrics()["serverfs_mount_losses_total"] == 4)
            #expect(server.stop() == .exited(0))
            #expect(server.leftovers.isEmpty)
        }
    }
}

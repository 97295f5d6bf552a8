import Glibc
import Platform
import Testing

extension EndToEnd {
    /// `--fuse-cache watched`, which the default profile has: every kind of change, again and again, against GETs that never
    /// stop. How long each takes to be seen is printed.
    @Suite(.timeLimit(TestDuration.limit(TestDuration.loopSeconds)))
    struct CoherenceTests {
        /// Root without what makes it read files whose mode forbids it.
        private static let withoutOverride = [
            "setpriv", "--bounding-set", "-dac_override,-dac_read_search",
            "--inh-caps", "-dac_override,-dac_read_search",
        ]

        @Test(.enabled(if: Capability.isRoot, "fanotify needs root"), arguments: ChangeKind.allCases)
        func aChangeIsSeenAtOnceByFanotify(_ kind: ChangeKind) throws {
            let site = try Site(prefix: kind == .permissionChanged ? Self.withoutOverride : [])
            #expect(site.server.bannerValue("strategies")?.contains("watched (fanotify)") == true)
            try expectCoherence(kind, site, "fanotify", seconds: TestDuration.loopSeconds)
        }

        @Test(
            .enabled(if: Capability.mountNamespaces, "unshare -m does not work here"),
            .enabled(if: Capability.otherUsers, "another user cannot run the test's server"),
            .enabled(if: Capability.isInstalled("fusermount3"), "fusermount3 is not installed"),
            arguments: ChangeKind.allCases)
        func aChangeIsSeenAtOnceByInotify(_ kind: ChangeKind) throws {
            let user = try OrdinaryUser()
            let site = try Site(prefix: user.prefix)
            #expect(site.server.bannerValue("strategies")?.contains("watched (inotify)") == true)
            let seconds = TestDuration.isLong ? TestDuration.loopSeconds : TestDuration.loopSeconds / 3
            try expectCoherence(kind, site, "inotify", seconds: seconds)
        }

        /// A change is told from thread to thread, and a busy machine may keep each of them waiting: one change in 50, and
        /// three in any case, may be late. None may ever be late by a second.
        private func expectCoherence(
            _ kind: ChangeKind, _ site: Site, _ watch: String, seconds: Double
        ) throws {
            let result = try ChangeLoop(kind: kind, site: site).run(seconds: seconds)
            let delays = result.delays
            print(delays.report("coherence, \(watch), \(kind.rawValue):"))
            print(
                "coherence, \(watch), \(kind.rawValue): \(result.requests) requests, \(result.cut) cut off, \(result.zeroFilled) filled up"
            )
            if kind == .appended {
                // A size that the kernel is told again and again, each time overtaken by the next append, may stay behind.
                #expect(result.cut * 1000 <= result.requests)
            }
            if kind == .truncated || kind == .permissionChanged {
                // Only what is under way at the moment of a change: one change in ten is several times what is seen.
                #expect(result.cut <= max(5, delays.count / 10))
            }
            if kind == .muchWrittenInPlace {
                // Each of the two clients may be in the middle of a response when a change comes, and of another after it.
                #expect(result.cut <= 4 * delays.count)
            }
            #expect(result.zeroFilled <= ZeroFill.bound(responses: result.requests))
            #expect(delays.count > Int(seconds * 5), "too few to tell")
            #expect(result.requests > delays.count)
            for median in delays.medians { #expect(median < Delays.boundNanoseconds) }
            #expect(delays.lateCount <= max(3, delays.count / 50))
            #expect(delays.worstStale < Delays.neverNanoseconds)
        }
    }
}

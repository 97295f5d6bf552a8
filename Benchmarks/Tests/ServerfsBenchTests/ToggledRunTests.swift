import Glibc
import Testing

@testable import serverfs_bench

@Suite(.serialized) struct ToggledRunTests {
    /// The debug build, which is there wherever all tests are run.
    private static let serverfs: String = {
        let package = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        return "/\(package)/.build/debug/serverfs"
    }()

    private static var canRun: Bool {
        geteuid() == 0 && regularFileBytes(serverfs) != nil && Executable.path(of: "wrk") != nil
    }

    @Test(
        .enabled(if: canRun, "mounting needs root; serverfs is built, and wrk installed, by `make test`"),
        arguments: [Baseline.bypass, .untimed])
    func bothAreServedUnderOneLoad(baseline: Baseline) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        try makeFolder(directory.file("docroot"))
        try directory.write(String(repeating: "x", count: 5000), to: "docroot/file")
        let workload = Workload(
            name: "", shortName: "", docroot: directory.file("docroot"), path: "file", paths: ["file"], fileBytes: 5000)
        // Each GET through the mount is several FUSE requests.
        let server = try ServerfsProcess(
            "serverfs", executable: Self.serverfs,
            arguments: ServerfsProcess.serving(workload.docroot, ["--profile", "seed"]), in: directory)
        defer { server.end() }
        let url = try #require(server.banner.mountURL)
        var wrk = WrkRun(executable: try #require(Executable.path(of: "wrk")), directory: directory)
        let run = ToggledRun(server: server, baseline: baseline, seconds: 1)
        let running = try wrk.start(
            .init(threads: 1, connections: 4, seconds: ToggledRun.secondsMax(1)), base: url, workload)
        defer { running.end() }
        let samples = try run.measure(running)

        #expect(Set(samples.keys) == [.mount, baseline.target])
        for sample in samples.values {
            #expect(sample.requestsPerSecond > 0)
            #expect(try #require(sample.clientNanosecondsPerRequest) > 0)
            #expect(sample.transferBytesPerSecond > 5000 * sample.requestsPerSecond)
        }
        let mount = try #require(samples[.mount]?.cost)
        #expect(mount.fuseRequests > 2 * mount.httpRequests)
        #expect(mount.switches.fuse > mount.httpRequests)
        let other = try #require(samples[baseline.target]?.cost)
        switch baseline {
        case .bypass: #expect(other.fuseRequests < other.httpRequests / 100)
        case .untimed: #expect(other.fuseRequests > 2 * other.httpRequests)
        }
        // What it has turned over it turns back.
        #expect(try HTTPClient.byteCount(url + "file") == 5000)
        #expect(try ServerfsMetrics(ofAdmin: server.metricsText()).httpRequests(.mount) > mount.httpRequests)
    }

    @Test func stretchesAddUpAndATurnThatCountsForNothingIsNoticed() throws {
        func moment(_ seconds: Int, mount: Int, bypass: Int = 5) -> Moment {
            Moment(
                nanoseconds: seconds * 1_000_000_000, clientNanoseconds: seconds * 400_000_000,
                serverNanoseconds: seconds * 600_000_000,
                switches: ContextSwitches(http: seconds, fuse: 2 * seconds), refaultedPages: 0,
                metricsText: """
                    serverfs_http_requests_total{via="mount"} \(mount)
                    serverfs_http_requests_total{via="bypass"} \(bypass)
                    serverfs_fuse_requests_total{operation="read"} \(seconds)
                    """)
        }
        var stretch = Stretch()
        /// Why nothing is added; nil when it is.
        func add(_ before: Moment, _ after: Moment) throws -> String? {
            try stretch.add(from: before, until: after, through: .mount)?.message
        }
        #expect(try add(moment(1, mount: 10), moment(2, mount: 30)) == nil)
        #expect(try add(moment(4, mount: 40), moment(7, mount: 60)) == nil)
        // One that went the other way: the turn counts for nothing.
        let strayed = try add(moment(7, mount: 60), moment(8, mount: 70, bypass: 6))
        #expect(strayed == "1 requests did not go through the mount, as all should have")
        #expect(try add(moment(8, mount: 60), moment(9, mount: 60)) == "wrk makes no requests any more")
        let sample = stretch.sample(bytesPerRequest: 100, processors: 1)
        #expect(sample.requestsPerSecond == 10)
        #expect(sample.transferBytesPerSecond == 1000)
        #expect(sample.clientShare == 0.4)
        #expect(sample.clientNanosecondsPerRequest == 40_000_000)
        #expect(sample.cost?.fuseRequests == 4)
        #expect(sample.cost?.switches == ContextSwitches(http: 4, fuse: 8))
        // Of two processors one was idle.
        #expect(stretch.sample(bytesPerRequest: 100, processors: 2).clientShare == nil)
    }
}

/// Runs series under one load, each on a serverfs of its own and an nginx where it has one, and ends both in any case.
struct Benchmark {
    let serverfs: String
    /// Needed by the series that have an nginx beside them.
    let nginx: String?
    let load: WrkRun.Load
    let rounds: Int
    /// Whether each round has servers of its own. Two processes of the same program differ by chance, in how their memory lies
    /// and who got which connection: by more than some targets leave room for.
    let renewsServers: Bool
    let directory: TemporaryDirectory
    var wrk: WrkRun

    /// Throws `StartRefusal` when serverfs will not start so.
    mutating func run(_ series: Series, on workload: Workload) throws -> SeriesResult {
        guard renewsServers else { return try run(series, on: workload, rounds: 1...rounds) }
        var result = try run(series, on: workload, rounds: 1...1)
        for round in (1...rounds).dropFirst() {
            let next = try run(series, on: workload, rounds: round...round)
            result.rounds += next.rounds
            result.residentBytes = next.residentBytes
        }
        return result
    }

    private mutating func run(
        _ series: Series, on workload: Workload, rounds numbers: ClosedRange<Int>
    ) throws -> SeriesResult {
        // A name is used once.
        let name = "\(series.slug)-\(numbers.lowerBound)"
        let server = try ServerfsProcess(
            "serverfs-\(name)", executable: serverfs,
            arguments: ServerfsProcess.serving(workload.docroot, series.serverfsArguments), in: directory)
        defer { server.end() }
        // Let go of before the server ends: a mount with mapped files is in use.
        let pinned = series.isWarm ? [workload.docroot, server.banner.mountPoint].map(PinnedFiles.init) : []
        defer { for files in pinned { files.unpin() } }
        for files in pinned { try files.pin(workload.paths) }
        let peers = try startPeers(of: series, name, docroot: workload.docroot)
        defer { peers.end() }

        note("\(series.name): warm-up")
        var warmUp = load
        warmUp.seconds = Plan.warmUpSeconds
        for target in series.targets {
            _ = try measure(target, of: server, peers, warmUp, workload)
        }

        var result = SeriesResult(series: series, banner: server.banner)
        for round in numbers {
            var samples: [Target: Sample] = [:]
            // In turn, so that what the first run of a round gains or loses is not always the same one's.
            for target in round % 2 == 1 ? series.targets : series.targets.reversed() {
                let sample = try measure(target, of: server, peers, load, workload)
                let rate = grouped(sample.report.requestsPerSecond)
                note("\(series.name): round \(round) of \(rounds): \(target.name) \(rate) requests/s")
                samples[target] = sample
            }
            result.rounds.append(samples)
        }
        result.residentBytes = ProcessFacts.residentBytes(server.pid)
        return result
    }

    /// What runs beside a series' serverfs.
    private struct Peers {
        var nginx: NginxProcess?
        var untimed: ServerfsProcess?

        func end() {
            nginx?.end()
            untimed?.end()
        }
    }

    private func startPeers(of series: Series, _ name: String, docroot: String) throws -> Peers {
        var peers = Peers()
        if case .openFileCache(let openFileCache) = series.nginx, let nginx {
            peers.nginx = try NginxProcess(
                "nginx-\(name)", executable: nginx, docroot: docroot, openFileCache: openFileCache,
                in: directory)
        }
        if series.hasUntimedPeer {
            peers.untimed = try ServerfsProcess(
                "serverfs-\(name)-off", executable: serverfs,
                arguments: ServerfsProcess.serving(docroot, ["--telemetry", "off"]), in: directory)
        }
        return peers
    }

    private mutating func measure(
        _ target: Target, of server: ServerfsProcess, _ peers: Peers, _ load: WrkRun.Load, _ workload: Workload
    ) throws -> Sample {
        switch target {
        case .nginx:
            guard let nginx = peers.nginx else {
                throw BenchFailure(.unavailable, "there is no nginx for this series")
            }
            try workload.warm(nginx.url)
            return Sample(report: try wrk.run(load, base: nginx.url, workload))
        case .untimed:
            guard let untimed = peers.untimed else {
                throw BenchFailure(.unavailable, "there is no second serverfs for this series")
            }
            return try measure(untimed, untimed.banner.mountURL, load, workload, servedCount: "via=\"mount\"")
        case .mount:
            return try measure(server, server.banner.mountURL, load, workload, servedCount: "via=\"mount\"")
        case .bypass:
            return try measure(server, server.banner.bypassURL, load, workload, servedCount: "via=\"bypass\"")
        }
    }

    /// A run on serverfs. `servedCount` labels the counter of the way that the requests must have taken.
    private mutating func measure(
        _ server: ServerfsProcess, _ base: String?, _ load: WrkRun.Load, _ workload: Workload, servedCount: String
    ) throws -> Sample {
        guard let base else { throw BenchFailure(.runFailed, "serverfs does not say where it listens") }
        try workload.warm(base)
        let before = try server.snapshot()
        let refaultedBefore = PageCache.refaultedPages
        let report = try wrk.run(load, base: base, workload)
        let after = try server.snapshot()

        let requests = "serverfs_http_requests_total{\(servedCount)}"
        let served = try after.metrics.value(requests) - before.metrics.value(requests)
        guard served >= report.requests else {
            throw BenchFailure(
                .runFailed,
                "wrk counts \(report.requests) requests on \(base), but serverfs only \(served) that went this way")
        }
        return Sample(
            report: report,
            cost: ServerCost(
                httpRequests: served,
                fuseRequests: try after.metrics.fuseRequests - before.metrics.fuseRequests,
                switches: after.switches - before.switches,
                refaultedPages: PageCache.refaultedPages - refaultedBefore))
    }
}

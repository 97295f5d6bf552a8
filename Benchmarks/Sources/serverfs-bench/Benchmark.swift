/// Runs a plan's series, each on a serverfs and an nginx of its own, and ends both in any case.
struct Benchmark {
    let serverfs: String
    let nginx: String
    let docroot: String
    let path: String
    let fileBytes: Int
    let load: WrkRun.Load
    let rounds: Int
    let directory: TemporaryDirectory
    var wrk: WrkRun

    mutating func run(_ series: Series) throws -> SeriesResult {
        let server = try ServerfsProcess(
            "serverfs-\(series.slug)", executable: serverfs, docroot: docroot, arguments: series.serverfsArguments,
            in: directory)
        defer { server.end() }
        let peer = try NginxProcess(
            "nginx-\(series.slug)", executable: nginx, docroot: docroot, openFileCache: series.nginxOpenFileCache,
            in: directory)
        defer { peer.end() }

        note("\(series.name): warm-up")
        var warmUp = load
        warmUp.seconds = Plan.warmUpSeconds
        for target in Plan.order {
            _ = try measure(target, of: server, peer, warmUp)
        }

        var result = SeriesResult(series: series, banner: server.banner)
        for round in 1...rounds {
            var samples: [Target: Sample] = [:]
            for target in Plan.order {
                let sample = try measure(target, of: server, peer, load)
                let rate = grouped(sample.report.requestsPerSecond)
                note("\(series.name): round \(round) of \(rounds): \(target.name) \(rate) requests/s")
                samples[target] = sample
            }
            result.rounds.append(samples)
        }
        return result
    }

    private mutating func measure(
        _ target: Target, of server: ServerfsProcess, _ peer: NginxProcess, _ load: WrkRun.Load
    ) throws -> Sample {
        switch target {
        case .nginx:
            return Sample(report: try wrk.run(load, url: peer.url(path), fileBytes: fileBytes))
        case .mount:
            return try measure(
                server, server.banner.mountURL + path, load, servedCount: { $0.mountRequests })
        case .bypass:
            return try measure(
                server, server.banner.bypassURL + path, load, servedCount: { $0.bypassRequests })
        }
    }

    /// A run on serverfs. `servedCount` is the counter of the way that the requests must have taken.
    private mutating func measure(
        _ server: ServerfsProcess, _ url: String, _ load: WrkRun.Load, servedCount: (ServerfsCounters) -> Int
    ) throws -> Sample {
        let before = try server.snapshot()
        let report = try wrk.run(load, url: url, fileBytes: fileBytes)
        let after = try server.snapshot()

        let served = servedCount(after.counters) - servedCount(before.counters)
        guard served >= report.requests else {
            throw BenchFailure(
                .runFailed,
                "wrk counts \(report.requests) requests on \(url), but serverfs only \(served) that went this way")
        }
        return Sample(
            report: report,
            cost: ServerCost(
                httpRequests: served,
                fuseRequests: after.counters.fuseRequests - before.counters.fuseRequests,
                switches: after.switches - before.switches))
    }
}

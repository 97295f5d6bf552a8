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
        if series.isWarm { try workload.dropPages() }
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
        let nginx = try startNginx(of: series, name, docroot: workload.docroot)
        defer { nginx?.end() }

        var result = SeriesResult(series: series, banner: server.banner)
        for round in numbers {
            var samples: [Target: Sample] = [:]
            // In turn, so that what the first run of a round gains or loses is not always the same one's.
            if let nginx, round % 2 == 0 { samples[.nginx] = try measure(nginx, workload) }
            samples.merge(try measure(series, server, workload)) { $1 }
            if let nginx, round % 2 == 1 { samples[.nginx] = try measure(nginx, workload) }
            for target in series.targets {
                let rate = grouped(samples[target]?.requestsPerSecond ?? 0)
                note("\(series.name): round \(round) of \(rounds): \(target.name) \(rate) requests/s")
            }
            result.rounds.append(samples)
        }
        result.residentBytes = ProcessFacts.residentBytes(server.pid)
        return result
    }

    private func startNginx(of series: Series, _ name: String, docroot: String) throws -> NginxProcess? {
        guard case .openFileCache(let openFileCache) = series.nginx else { return nil }
        guard let nginx else { throw BenchFailure(.unavailable, "there is no nginx for this series") }
        return try NginxProcess(
            "nginx-\(name)", executable: nginx, docroot: docroot, openFileCache: openFileCache, in: directory)
    }

    private mutating func measure(_ nginx: NginxProcess, _ workload: Workload) throws -> Sample {
        try workload.warm(nginx.url)
        var warmUp = load
        warmUp.seconds = Plan.warmUpSeconds
        _ = try wrk.run(warmUp, base: nginx.url, workload)
        let report = try wrk.run(load, base: nginx.url, workload)
        return Sample(
            requestsPerSecond: report.requestsPerSecond, transferBytesPerSecond: report.transferBytesPerSecond)
    }

    /// The mount and its baseline.
    private mutating func measure(
        _ series: Series, _ server: ServerfsProcess, _ workload: Workload
    ) throws -> [Target: Sample] {
        guard let mountURL = server.banner.mountURL, let bypassURL = server.banner.bypassURL else {
            throw BenchFailure(.runFailed, "serverfs does not say where it listens")
        }
        for url in [mountURL, bypassURL] { try workload.warm(url) }
        let run = ToggledRun(server: server, baseline: series.baseline, seconds: load.seconds * series.length)
        var load = load
        load.seconds = ToggledRun.secondsMax(run.seconds)
        let wrk = try wrk.start(load, base: mountURL, workload)
        defer { wrk.end() }
        return try run.measure(wrk)
    }
}

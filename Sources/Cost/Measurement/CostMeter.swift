import Glibc
import Platform
package import Telemetry

/// What to measure.
package struct CostPlan: Sendable {
    package var mountPort: UInt16
    package var bypassPort: UInt16
    package var workers: Int
    package var load: LoadKind
    package var connections: Int
    package var paths: [String]
    package var rounds: Int
    /// Of each run, after the warm-up.
    package var seconds: Double

    package init(
        mountPort: UInt16, bypassPort: UInt16, workers: Int, load: LoadKind, connections: Int, paths: [String],
        rounds: Int, seconds: Double
    ) {
        self.mountPort = mountPort
        self.bypassPort = bypassPort
        self.workers = workers
        self.load = load
        self.connections = connections
        self.paths = paths
        self.rounds = rounds
        self.seconds = seconds
    }

    /// What is thrown away of each run: connections are made, caches are filled.
    var warmUpSeconds: Double { min(max(seconds / 4, 0.2), 1) }
}

/// Puts a load on this process's server, by its bypass and by its mount in turn, and reads the server's counters meanwhile.
package struct CostMeter {
    private let plan: CostPlan
    private let measurements: Measurements
    /// Readable when the measurement is to end early.
    private let stopping: CInt

    package init(_ plan: CostPlan, _ measurements: Measurements, stopping: CInt) {
        self.plan = plan
        self.measurements = measurements
        self.stopping = stopping
    }

    /// Asks for every path once either way.
    ///
    /// - Returns: the mean size of a body.
    /// - Throws: when an answer is not 200, or the two are not as long as each other.
    package func check() throws(CostFailure) -> Int {
        var total = 0
        for path in plan.paths {
            let bypass = try LoadConnection.fetch(path, port: plan.bypassPort)
            guard bypass.status == 200 else {
                throw CostFailure("GET \(path) is answered \(bypass.status): name a file of the docroot with --path")
            }
            let mount = try LoadConnection.fetch(path, port: plan.mountPort)
            guard mount == bypass else {
                throw CostFailure(
                    "GET \(path) is answered \(mount.status) with \(mount.bodyBytes) bytes through the mount, "
                        + "and \(bypass.status) with \(bypass.bodyBytes) bytes directly")
            }
            total += bypass.bodyBytes
        }
        return total / plan.paths.count
    }

    /// Measures all rounds.
    ///
    /// - Parameter progress: is told of each round.
    package func measure(progress: (String) -> Void) throws(CostFailure) -> CostMeasurement {
        var rounds: [CostMeasurement.Round] = []
        for number in 1...plan.rounds {
            // In turn, so that what the machine does meanwhile is not always the same one's to pay for.
            let round: CostMeasurement.Round
            if number.isMultiple(of: 2) {
                let mount = try run(.mount)
                round = CostMeasurement.Round(bypass: try run(.bypass), mount: mount)
            } else {
                let bypass = try run(.bypass)
                round = CostMeasurement.Round(bypass: bypass, mount: try run(.mount))
            }
            rounds.append(round)
            progress(
                "round \(number) of \(plan.rounds): bypass \(grouped(round.bypass.requestsPerSecond)) requests/s, "
                    + "mount \(grouped(round.mount.requestsPerSecond))")
        }
        return CostMeasurement(rounds: rounds)
    }

    private func run(_ servingPath: ServingPath) throws(CostFailure) -> CostRun {
        let target = LoadTarget(
            port: servingPath == .mount ? plan.mountPort : plan.bypassPort, paths: plan.paths,
            connections: plan.connections, threads: plan.workers)
        // It is ended earlier; only if this process is killed it ends by itself.
        let secondsMax = Int(plan.warmUpSeconds + plan.seconds) + 5
        let usage = ProcessorUsage.now
        let load = try RunningLoad(plan.load, on: target, secondsMax: secondsMax)
        var run: CostRun
        do throws(CostFailure) {
            try wait(seconds: plan.warmUpSeconds)
            let start = CostSnapshot.take(measurements)
            try wait(seconds: plan.seconds)
            let end = CostSnapshot.take(measurements)
            run = CostSnapshot.run(from: start, to: end, servingPath, workers: plan.workers)
        } catch {
            // What the load has to say comes second.
            try? load.end()
            throw error
        }
        try load.end()
        guard run.strayRequests == 0 else {
            throw CostFailure("the bypass was turned over meanwhile: there are no figures")
        }
        guard run.requests > 0 else { throw CostFailure("no request was answered by the \(servingPath)") }
        // Only now is known what wrk has used.
        if let usage, let now = ProcessorUsage.now { run.othersShare = now.othersShare(since: usage) }
        return run
    }

    private func wait(seconds: Double) throws(CostFailure) {
        let end = Clock.monotonicNanoseconds + UInt64(seconds * 1e9)
        while true {
            let now = Clock.monotonicNanoseconds
            if now >= end { return }
            var stop = pollfd(fd: stopping, events: Int16(POLLIN), revents: 0)
            if poll(&stop, 1, CInt(clamping: (end - now) / 1_000_000 + 1)) == 1 { throw .interrupted }
        }
    }
}

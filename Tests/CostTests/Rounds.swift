import Telemetry

@testable import Cost

/// Measurements made up for the tests.
enum Rounds {
    /// A run of 10,000 requests, `workerMicroseconds` of a worker each.
    static func run(_ workerMicroseconds: Double, _ phases: [RequestPhase: Double]) -> CostRun {
        var run = CostRun(workers: 2, nanoseconds: UInt64(workerMicroseconds * 10_000 * 1000 / 2))
        run.requests = 10_000
        for (phase, microseconds) in phases { run.phaseNanoseconds[phase] = UInt64(microseconds * 10_000 * 1000) }
        return run
    }

    static func bypass(_ workerMicroseconds: Double = 31.2) -> CostRun {
        var run = run(workerMicroseconds, [.parse: 2, .resolve: 0.25, .open: 3.75, .send: 8.5, .queue: 800, .wait: 90])
        run.httpThreads = ThreadWork(
            voluntarySwitches: 100, involuntarySwitches: 200, processorNanoseconds: 150_000_000)
        return run
    }

    /// Like the report's proxy: 7 FUSE requests a request, everything copied.
    static func seed(_ workerMicroseconds: Double = 228.04) -> CostRun {
        var run = run(
            workerMicroseconds, [.parse: 2, .resolve: 0.25, .open: 140.03, .read: 50.5, .send: 17.75, .queue: 9000])
        run.bodyBytes = 264_000_000
        run.readBytes = 264_000_000
        let requests: [(FuseOperation, UInt64, Double, Double)] = [
            (.lookup, 2, 12.26, 2.5), (.getattr, 1, 1.5, 1.25), (.open, 1, 6.25, 1.75), (.read, 2, 8.33, 9.5),
            (.release, 1, 2.125, 0.5),
        ]
        for (operation, count, service, reply) in requests {
            run.fuseRequests[operation] = count * 10_000
            run.serviceNanoseconds[operation] = UInt64(service * 1e7)
            run.replyNanoseconds[operation] = UInt64(reply * 1e7)
        }
        run.httpThreads = ThreadWork(
            voluntarySwitches: 50_200, involuntarySwitches: 1000, processorNanoseconds: 800_000_000)
        run.fuseThreads = ThreadWork(
            voluntarySwitches: 48_000, involuntarySwitches: 4000, processorNanoseconds: 700_000_000)
        return run
    }

    static let seedRound = CostMeasurement.Round(bypass: bypass(), mount: seed())

    static let plan = CostPlan(
        mountPort: 1, bypassPort: 2, workers: 2, load: .wrk, connections: 400, paths: ["/index.html"], rounds: 3,
        seconds: 2)

    static func report(
        _ rounds: [CostMeasurement.Round] = [seedRound], docroot: String = "www", paths: [String] = ["/index.html"]
    ) -> CostReport {
        var plan = plan
        plan.paths = paths
        return CostReport(
            CostReport.Setting(docroot: docroot, strategies: "fuse-api lowlevel", plan: plan, bodyBytes: 26_400),
            CostMeasurement(rounds: rounds))
    }
}

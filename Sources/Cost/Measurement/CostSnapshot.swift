import Platform
import Telemetry

/// Everything that a server has counted, at one moment.
struct CostSnapshot {
    private let nanoseconds: UInt64
    /// How long it has taken to read all of it: what the moment is uncertain by.
    private let durationNanoseconds: UInt64
    private let http: [UInt64]
    private let fuse: [UInt64]
    private let phases: [UInt64]
    private let fuseTimes: [UInt64]
    private let httpThreads: ThreadWork
    private let fuseThreads: ThreadWork

    /// Where reading takes longer, because the thread has lost its processor meanwhile, it is done again.
    private static let durationNanosecondsMax: UInt64 = 2_000_000
    private static let triesMax = 20

    /// Reads the counters of this process's server. Any thread.
    static func take(_ measurements: Measurements) -> CostSnapshot {
        var best = CostSnapshot(measurements)
        for _ in 1..<triesMax where best.durationNanoseconds > durationNanosecondsMax {
            let next = CostSnapshot(measurements)
            if next.durationNanoseconds < best.durationNanoseconds { best = next }
        }
        return best
    }

    private init(_ measurements: Measurements) {
        nanoseconds = Clock.monotonicNanoseconds
        http = HTTPCounter.allCases.map { measurements.http[$0] }
        fuse = FuseCounter.allCases.map { measurements.fuse[$0] }
        phases = PhaseTime.allCases.map { measurements.phases[$0] }
        fuseTimes = FuseTime.allCases.map { measurements.fuseTimes[$0] }
        let usages = ThreadUsage.all()
        httpThreads = ThreadWork(usages, named: "http-")
        fuseThreads = ThreadWork(usages, named: "fuse-")
        durationNanoseconds = Clock.monotonicNanoseconds - nanoseconds
    }

    /// What happened between two moments, for requests served by `servingPath`.
    static func run(
        from start: CostSnapshot, to end: CostSnapshot, _ servingPath: ServingPath, workers: Int
    ) -> CostRun {
        func difference(_ values: KeyPath<CostSnapshot, [UInt64]>, _ index: Int) -> UInt64 {
            end[keyPath: values][index] &- start[keyPath: values][index]
        }
        func http(_ counter: HTTPCounter) -> UInt64 { difference(\.http, counter.rawValue) }
        var run = CostRun(workers: workers, nanoseconds: end.nanoseconds - start.nanoseconds)
        run.requests = http(.requests(servingPath))
        run.strayRequests = http(.requests(servingPath == .mount ? .bypass : .mount))
        run.bodyBytes = http(.bodyBytes(servingPath))
        run.readBytes = difference(\.fuse, FuseCounter.readBytes.rawValue)
        for phase in RequestPhase.allCases {
            run.phaseNanoseconds[phase] = difference(\.phases, PhaseTime(servingPath, phase).rawValue)
        }
        for operation in FuseOperation.allCases {
            run.fuseRequests[operation] = difference(\.fuse, FuseCounter(operation).rawValue)
            run.serviceNanoseconds[operation] = difference(\.fuseTimes, FuseTime(operation, .service).rawValue)
            run.replyNanoseconds[operation] = difference(\.fuseTimes, FuseTime(operation, .reply).rawValue)
        }
        run.httpThreads = end.httpThreads - start.httpThreads
        run.fuseThreads = end.fuseThreads - start.fuseThreads
        return run
    }
}

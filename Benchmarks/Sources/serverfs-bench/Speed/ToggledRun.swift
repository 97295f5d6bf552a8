import Glibc

/// A mount and its baseline under one running wrk, by turns of a fraction of a second: the same process, connections and
/// neighbours for both. Two runs of wrk, one after the other, differ by several times as much by chance.
struct ToggledRun {
    let server: ServerfsProcess
    let baseline: Baseline
    /// What is measured of each of the two, at least.
    let seconds: Int

    /// Long enough that the 400 requests that are under way at either end make little of it, and short beside the minutes in which
    /// the machine's speed changes.
    static let turnMilliseconds = 200
    /// What the last turn has left is done with.
    static let settleMilliseconds = 20
    static let attemptsMax = 5
    /// Both once, before anything counts.
    static let warmUpMilliseconds = 500

    /// How long wrk must run at least: its time is up only after it was stopped.
    static func secondsMax(_ seconds: Int) -> Int { seconds * 3 + 10 }

    func measure(_ wrk: RunningWrk) throws -> [Target: Sample] {
        for target in [Target.mount, baseline.target] {
            try turn(to: target)
            try Interrupt.pause(milliseconds: Self.warmUpMilliseconds)
        }
        let mount = Target.mount
        var stretches: [Target: Stretch] = [:]
        // Four turns in an order in which neither gains from a machine that gets steadily faster or slower.
        let pairOfTurnsMilliseconds = 2 * Self.turnMilliseconds
        for _ in 0..<((seconds * 1000 + pairOfTurnsMilliseconds - 1) / pairOfTurnsMilliseconds) {
            for target in [mount, baseline.target, baseline.target, mount] {
                try add(target, to: &stretches[target, default: Stretch()], wrk)
            }
        }
        try turn(to: mount)
        wrk.stop()
        let report = try wrk.report()
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return stretches.mapValues { $0.sample(bytesPerRequest: report.bytesPerRequest, processors: processors) }
    }

    /// One turn, taken again where a request was so long under way that it still went the other way, or where wrk had no
    /// processor for a request.
    private func add(_ target: Target, to stretch: inout Stretch, _ wrk: RunningWrk) throws {
        let way = target == .mount ? Way.mount : baseline.way
        var failure: BenchFailure?
        for _ in 1...Self.attemptsMax {
            try turn(to: target)
            try Interrupt.pause(milliseconds: Self.settleMilliseconds)
            let before = try Moment(server, wrk)
            try Interrupt.pause(milliseconds: Self.turnMilliseconds)
            failure = try stretch.add(from: before, until: try Moment(server, wrk), through: way)
            if failure == nil { return }
        }
        throw failure!
    }

    private func turn(to target: Target) throws {
        try server.turn(baseline.switchName, on: baseline.isOn(for: target))
    }
}

/// The answer to what the mount costs: as text, and as a picture (`CostPicture`).
package struct CostReport: Sendable {
    /// How it was measured.
    package struct Setting: Sendable {
        package var docroot: String
        /// As the start banner names them.
        package var strategies: String
        package var plan: CostPlan
        /// The mean size of a body.
        package var bodyBytes: Int

        package init(docroot: String, strategies: String, plan: CostPlan, bodyBytes: Int) {
            self.docroot = docroot
            self.strategies = strategies
            self.plan = plan
            self.bodyBytes = bodyBytes
        }
    }

    package let setting: Setting
    package let measurement: CostMeasurement
    package let waterfall: CostWaterfall
    package let calls: CostOfCalls

    package init(_ setting: Setting, _ measurement: CostMeasurement) {
        self.setting = setting
        self.measurement = measurement
        let hasShares = measurement.isSignificant
        waterfall = CostWaterfall(measurement.medianRound, hasShares: hasShares)
        calls = CostOfCalls(measurement.medianRound, hasShares: hasShares)
    }

    /// What was measured, in a line or two.
    var heading: String {
        let plan = setting.plan
        let paths = plan.paths.count == 1 ? plan.paths[0] : "\(plan.paths.count) files in turn"
        let load = plan.load == .wrk ? "wrk" : "the built-in load"
        return "\(paths) (\(grouped(Double(setting.bodyBytes))) bytes), \(plan.connections) connections of \(load), "
            + "\(plan.workers) \(plan.workers == 1 ? "worker" : "workers")"
    }

    /// Requests a second, and their ratio.
    var throughput: String {
        let round = measurement.medianRound
        let ratios = measurement.ratios
        let range = "\(hundredths(ratios[0])) to \(hundredths(ratios.last!))"
        let spread = ratios.count == 1 ? "" : ", the median of \(ratios.count) rounds (\(range))"
        return "requests/s: bypass \(grouped(round.bypass.requestsPerSecond)), "
            + "mount \(grouped(round.mount.requestsPerSecond)): a share of \(hundredths(round.ratio))\(spread)"
    }

    /// The largest causes, in a sentence.
    package var sentence: String {
        let (bypass, mount) = (waterfall.bypass, waterfall.mount)
        guard measurement.isSignificant else {
            return "A request takes a worker \(mount) µs through the mount and \(bypass) µs directly: "
                + "the mount costs nothing that can be told from noise."
        }
        let steps = Self.largest(waterfall.steps.filter { $0.cause != .everythingElse }, by: \.time)
        let causes = steps.map { step in
            let switches = hundredths(measurement.medianRound.mount.switchesPerRequest)
            let count = step.cause == .contextSwitches ? "\(switches) of them" : step.counts
            return "\(step.share ?? 0) % go to \(step.cause.name)\(count.isEmpty ? "" : " (\(count))")"
        }
        let calls = Self.largest(calls.rows.filter { $0.call != .between && $0.call != .receive }, by: \.more)
        let callNames = calls.map { "its \($0.call.plural) take \($0.share ?? 0) %" }
        return "A request takes a worker \(mount) µs through the mount and \(bypass) µs directly. "
            + "Of the \(waterfall.cost) µs more, \(causes.joined(separator: " and ")); "
            + "by the server's calls, \(callNames.joined(separator: ", and "))."
    }

    /// The two largest, the second only if it is a tenth of the first or more.
    private static func largest<Item>(_ items: [Item], by time: KeyPath<Item, Microseconds>) -> [Item] {
        let sorted = items.sorted { $0[keyPath: time] > $1[keyPath: time] }
        let first = sorted[0][keyPath: time].tenths
        return sorted.prefix(2).filter { $0[keyPath: time].tenths * 10 >= first && $0[keyPath: time].tenths > 0 }
    }

    // MARK: - As text

    package var text: String {
        [
            "serverfs cost \(setting.docroot): \(heading)", "\(setting.strategies)\n", stepTable, callTable, throughput,
            processorLine + "\n", sentence,
        ].joined(separator: "\n") + "\n" + (warning.map { "\n\($0)\n" } ?? "")
    }

    /// What the reader should know who would trust the figures.
    var warning: String? {
        let round = measurement.medianRound
        let share = max(round.bypass.othersShare, round.mount.othersShare)
        guard share >= 0.1 else { return nil }
        return "Other programs used \(Int((share * 100).rounded())) % of the processors meanwhile: "
            + "take these figures with care."
    }

    private var stepTable: String {
        let round = measurement.medianRound
        var table = TextTable([.left, .right, .right, .left])
        table.add("a request", "µs of a worker", "share", "how often")
        let switches = hundredths(round.bypass.switchesPerRequest)
        table.add("  bypass", "\(waterfall.bypass)", "", "\(switches) context switches")
        for step in waterfall.steps {
            table.add("+ \(step.cause.name)", "\(step.time)", Self.percent(step.share), step.counts)
        }
        let fuse = hundredths(round.mount.fuseRequestsPerRequest)
        table.add("= mount", "\(waterfall.mount)", "", "\(fuse) FUSE requests")
        return table.text
    }

    private var callTable: String {
        var table = TextTable([.left, .right, .right, .right, .right])
        table.add("the same by call", "bypass", "mount", "more", "share")
        for row in calls.rows {
            table.add("  \(row.call.name)", "\(row.bypass)", "\(row.mount)", "\(row.more)", Self.percent(row.share))
        }
        table.add("= together", "\(waterfall.bypass)", "\(waterfall.mount)", "\(waterfall.cost)", "")
        return table.text
    }

    private var processorLine: String {
        let round = measurement.medianRound
        func time(_ run: CostRun, _ threads: KeyPath<CostRun, ThreadWork>) -> Microseconds {
            Microseconds(nanoseconds: run.perRequest(run[keyPath: threads].processorNanoseconds))
        }
        return "processor time a request, µs: bypass \(time(round.bypass, \.httpThreads)), mount "
            + "\(time(round.mount, \.httpThreads)) and \(time(round.mount, \.fuseThreads)) of FUSE threads"
    }

    static func percent(_ share: Int?) -> String { share.map { "\($0) %" } ?? "–" }
}

extension CostOfCalls.Call {
    /// Its name as one speaks of many.
    fileprivate var plural: String {
        switch self {
        case .receive, .between: name
        case .statx: "looks at open files"
        case .open: "opens"
        case .read: "reads"
        case .send: "sends"
        }
    }
}

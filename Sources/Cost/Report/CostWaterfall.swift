import Telemetry

/// Where the time goes that a request takes longer through the mount: from the bypass's time to the mount's, step by step.
///
/// All times are a worker's time a request (`CostRun.workerNanoseconds`), of one round:
///
/// - Lookups, opens, reads: what FUSE threads took for these requests, from their receipt to the start of their reply.
/// - Copies: the replies to READs, by which the bytes get to whoever reads; and, where the server reads and sends because it must
///   not use `sendfile` on the mount, what its `send` takes longer than the bypass's: less than nothing where others had the
///   processors while the bypass sent.
/// - Context switches: what else the server waited in its calls, beyond what the same calls take by the bypass. It waits for a
///   FUSE thread to be free and to wake up, and to be woken up itself, which is what the other replies come to.
/// - Everything else: the rest, that is the event loop, and what a server that is faster than its load waits for that. It may be
///   negative.
///
/// Nobody waits for the reply to a RELEASE, but for what it keeps the FUSE thread from: it counts as if it were waited for.
package struct CostWaterfall: Sendable {
    package enum Cause: CaseIterable, Sendable {
        case lookups, opens, reads, copies, contextSwitches, everythingElse

        package var name: String {
            switch self {
            case .lookups: "lookups"
            case .opens: "opens"
            case .reads: "reads"
            case .copies: "copies"
            case .contextSwitches: "context switches"
            case .everythingElse: "everything else"
            }
        }

        /// Which of them an operation's service is.
        init(_ operation: FuseOperation) {
            switch operation {
            case .lookup, .forget, .getattr, .readlink, .statfs, .initialize, .modification: self = .lookups
            // FLUSH, at a close, is among the others.
            case .open, .release, .opendir, .readdir, .readdirplus, .releasedir, .other: self = .opens
            case .read, .lseek: self = .reads
            }
        }
    }

    package struct Step: Sendable {
        package let cause: Cause
        package let time: Microseconds
        /// Of the mount's cost, percent; nil where that is none.
        package let share: Int?
        /// How often a request has it.
        package let counts: String
    }

    package let bypass: Microseconds
    package let steps: [Step]
    package let mount: Microseconds

    package var cost: Microseconds { mount - bypass }

    /// - Parameter hasShares: whether the cost is one that can be shared out.
    package init(_ round: CostMeasurement.Round, hasShares: Bool) {
        let bypass = Microseconds(nanoseconds: round.bypass.workerNanoseconds)
        let mount = Microseconds(nanoseconds: round.mount.workerNanoseconds)
        let cost = mount - bypass
        let times = Self.times(round)
        var steps: [Step] = []
        var timeLeft = cost
        var shareLeft = 100
        for cause in Cause.allCases {
            // The last takes what the others leave, rounding included.
            let time = cause == .everythingElse ? timeLeft : Microseconds(nanoseconds: times[cause] ?? 0)
            let share = cause == .everythingElse ? shareLeft : time.percent(of: cost)
            let counts = Self.counts(cause, round.mount)
            steps.append(Step(cause: cause, time: time, share: hasShares ? share : nil, counts: counts))
            timeLeft = timeLeft - time
            shareLeft -= share
        }
        self.bypass = bypass
        self.mount = mount
        self.steps = steps
    }

    /// Nanoseconds a request, of all causes but the rest.
    private static func times(_ round: CostMeasurement.Round) -> [Cause: Double] {
        let (bypass, mount) = (round.bypass, round.mount)
        func more(_ phase: RequestPhase) -> Double { mount.phase(phase) - bypass.phase(phase) }
        var times: [Cause: Double] = [:]
        var answered = 0.0
        for operation in FuseOperation.allCases {
            let service = mount.perRequest(mount.serviceNanoseconds[operation] ?? 0)
            let copy = operation == .read ? mount.perRequest(mount.replyNanoseconds[operation] ?? 0) : 0
            times[Cause(operation), default: 0] += service
            times[.copies, default: 0] += copy
            answered += service + copy
        }
        var waited = more(.statx) + more(.open) + more(.read)
        let sending = more(.send) + more(.sendfile)
        switch (bypass.phase(.read) > 0, mount.phase(.read) > 0) {
        // Where `sendfile` reads from the mount, it waits for READs.
        case (_, false): waited += sending
        case (false, true): times[.copies, default: 0] += sending
        case (true, true): break
        }
        times[.contextSwitches] = waited - answered
        return times
    }

    private static func counts(_ cause: Cause, _ mount: CostRun) -> String {
        switch cause {
        case .lookups, .opens, .reads:
            let parts = FuseOperation.allCases.compactMap { operation -> String? in
                let count = mount.perRequest(mount.fuseRequests[operation] ?? 0)
                guard Cause(operation) == cause, count >= 0.005 else { return nil }
                return "\(hundredths(count)) \(operation.name.uppercased())"
            }
            return parts.joined(separator: ", ")
        case .copies:
            let bytes = mount.perRequest(mount.readBytes)
            return bytes >= 0.5 ? "\(grouped(bytes)) bytes of READs" : ""
        case .contextSwitches:
            let http = hundredths(mount.perRequest(mount.httpThreads.switches))
            let fuse = hundredths(mount.perRequest(mount.fuseThreads.switches))
            return "\(hundredths(mount.switchesPerRequest)): http \(http), fuse \(fuse)"
        case .everythingElse: return ""
        }
    }
}

extension Microseconds {
    /// Rounded; 0 of nothing.
    func percent(of whole: Microseconds) -> Int {
        whole.tenths == 0 ? 0 : wholeNumber(Double(tenths) * 100 / Double(whole.tenths))
    }
}

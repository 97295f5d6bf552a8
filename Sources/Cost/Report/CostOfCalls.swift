import Telemetry

/// The same times by what the server does with a request, call by call.
package struct CostOfCalls: Sendable {
    package enum Call: CaseIterable, Sendable {
        case receive, statx, open, read, send, between

        package var name: String {
            switch self {
            case .receive: "receive, parse, resolve"
            case .statx: "statx"
            case .open: "open"
            case .read: "read"
            case .send: "send"
            case .between: "close, event loop"
            }
        }

        /// The phases of a request that are spent on it.
        fileprivate var phases: [RequestPhase] {
            switch self {
            case .receive: [.receive, .parse, .resolve]
            case .statx: [.statx]
            case .open: [.open]
            case .read: [.read]
            case .send: [.prepare, .send, .sendfile]
            // No worker spends a request's `queue` and `wait` on that request.
            case .between: []
            }
        }
    }

    package struct Row: Sendable {
        package let call: Call
        package let bypass: Microseconds
        package let mount: Microseconds
        /// Of the mount's cost, percent; nil where that is none.
        package let share: Int?

        package var more: Microseconds { mount - bypass }
    }

    package let rows: [Row]

    package init(_ round: CostMeasurement.Round, hasShares: Bool) {
        var left = (
            bypass: Microseconds(nanoseconds: round.bypass.workerNanoseconds),
            mount: Microseconds(nanoseconds: round.mount.workerNanoseconds), share: 100
        )
        let cost = left.mount - left.bypass
        var rows: [Row] = []
        for call in Call.allCases {
            // What is in no phase of any request is between them: its file is closed, the event loop turns, and a server that is
            // faster than its load waits for that.
            let bypass = call == .between ? left.bypass : Self.time(call, round.bypass)
            let mount = call == .between ? left.mount : Self.time(call, round.mount)
            let share = call == .between ? left.share : (mount - bypass).percent(of: cost)
            rows.append(Row(call: call, bypass: bypass, mount: mount, share: hasShares ? share : nil))
            left = (left.bypass - bypass, left.mount - mount, left.share - share)
        }
        self.rows = rows
    }

    private static func time(_ call: Call, _ run: CostRun) -> Microseconds {
        Microseconds(nanoseconds: call.phases.reduce(0) { $0 + run.phase($1) })
    }
}

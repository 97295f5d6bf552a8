package import Telemetry

/// Rounds of a run by the bypass and one by the mount, side by side.
package struct CostMeasurement: Sendable {
    package struct Round: Sendable {
        package var bypass: CostRun
        package var mount: CostRun

        package init(bypass: CostRun, mount: CostRun) {
            self.bypass = bypass
            self.mount = mount
        }

        /// The mount's throughput as a share of the bypass's.
        package var ratio: Double { mount.requestsPerSecond / max(bypass.requestsPerSecond, .leastNormalMagnitude) }
    }

    package var rounds: [Round]

    /// - Parameter rounds: one at least.
    package init(rounds: [Round]) {
        precondition(!rounds.isEmpty)
        self.rounds = rounds
    }

    /// The rounds' ratios, the smallest first.
    package var ratios: [Double] { rounds.map(\.ratio).sorted() }

    /// The round with the median ratio, with an even number of rounds the lower of the two. All figures are taken from this one:
    /// they were measured together, and so they add up.
    package var medianRound: Round { rounds.sorted { $0.ratio < $1.ratio }[(rounds.count - 1) / 2] }

    /// Whether the mount's cost can be told from noise: it is 2 % of the bypass's time or more, and every round shows one.
    package var isSignificant: Bool { medianRound.ratio < 0.98 && ratios.last! < 1 }
}

import Telemetry

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

    /// Whether the mount's cost can be told from noise: the median ratio is below 1 by 2 % at least, and by twice as much as the
    /// ratios are away from it in the median.
    package var isSignificant: Bool {
        let median = medianRound.ratio
        let deviations = ratios.map { abs($0 - median) }.sorted()
        return 1 - median > max(0.02, 2 * deviations[deviations.count / 2])
    }
}

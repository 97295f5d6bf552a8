/// The tables of the matrix.
struct MatrixReport {
    var rows: [MatrixRow] = []
    var refused: [(combination: Combination, reason: String)] = []
    /// The command of wrk, and the file.
    var subject: String

    var table: Table {
        var table = Table([
            ("api", .left), ("open", .left), ("read", .left), ("cache", .left), ("open-file cache", .left),
            ("mount / bypass", .right), ("min–max", .right), ("context switches a request", .right),
            ("FUSE requests a request", .right), ("resident memory", .right),
        ])
        for row in rows {
            let choices = row.combination.values + [row.openFileCache ? "on" : "off"]
            switch row.outcome {
            case .measured(let result):
                let ratio = result.ratio(.mount, to: .bypass)
                let cost = result.cost(.mount)
                table.addRow(
                    choices + [
                        fixed(ratio.median, decimals: 3), rangeText(ratio),
                        fixed(cost.perRequest(cost.switches.all), decimals: 3),
                        fixed(result.fuseRequestsPerRequest, decimals: 5),
                        binaryAmount(Double(result.residentBytes)),
                    ])
            case .failed:
                table.addRow(choices + ["failed", "", "", "", ""])
            }
        }
        return table
    }

    /// The combinations that serverfs does not start with, in one row where they differ in how READs get their bytes only.
    var refusals: Table {
        var table = Table([
            ("refused: api", .left), ("open", .left), ("read", .left), ("cache", .left), ("reason", .left),
        ])
        var listed: [Combination] = []
        for (combination, reason) in refused where !listed.contains(combination) {
            let alike = refused.filter {
                $0.combination.api == combination.api && $0.combination.open == combination.open
                    && $0.combination.cache == combination.cache && $0.reason == reason
            }.map(\.combination)
            listed += alike
            table.addRow([
                combination.api, combination.open, alike.map(\.read).joined(separator: ", "), combination.cache, reason,
            ])
        }
        return table
    }

    /// What failed, and what was not to be had, a line each.
    var remarks: [String] {
        rows.compactMap { row in
            let name = row.combination.series(openFileCache: row.openFileCache).name
            switch row.outcome {
            case .measured(let result): return result.banner.unavailable.map { "\(name): unavailable: \($0)" }
            case .failed(let reason): return "\(name): failed: \(reason)"
            }
        }
    }
}

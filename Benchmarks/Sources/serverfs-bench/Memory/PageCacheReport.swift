/// Bytes in the page cache after a file has been served once.
struct PageCacheShare {
    /// Of the docroot's file.
    var docroot: Int
    /// Of the same file of the mount.
    var mount: Int
    /// What the page cache of the whole machine has grown by, as an independent figure.
    var machine: Int
}

/// How often a file's bytes are in memory.
struct PageCacheReport {
    var fileBytes: Int
    var rows: [(strategy: String, shares: [PageCacheShare])] = []
    var refused: [(strategy: String, reason: String)] = []

    var table: Table {
        var table = Table([
            ("page cache bytes per byte served, \(binaryAmount(Double(fileBytes))) once", .left),
            ("docroot's file", .right), ("mount's file", .right), ("together", .right), ("min–max", .right),
            ("growth of Cached in /proc/meminfo", .right),
        ])
        for (strategy, shares) in rows {
            let both = together(shares)
            table.addRow([
                strategy, fixed(perByte(shares, \.docroot).median, decimals: 2),
                fixed(perByte(shares, \.mount).median, decimals: 2), fixed(both.median, decimals: 2), rangeText(both),
                fixed(perByte(shares, \.machine).median, decimals: 2),
            ])
        }
        return table
    }

    var verdicts: [Verdict] {
        let what = "page cache bytes per byte served, passthrough"
        let bound = PageCacheMeasurement.passthroughMax
        guard let row = rows.first(where: { $0.strategy == "passthrough" }) else {
            return [Verdict(what: what, target: "≤ \(fixed(bound, decimals: 2))", measured: "–")]
        }
        let both = together(row.shares)
        var verdict = Verdict.atMost(bound, decimals: 2, what, both.median)
        verdict.range = rangeText(both)
        return [verdict]
    }

    private func together(_ shares: [PageCacheShare]) -> Spread {
        Spread(shares.map { Double($0.docroot + $0.mount) / Double(fileBytes) })
    }

    private func perByte(_ shares: [PageCacheShare], _ part: (PageCacheShare) -> Int) -> Spread {
        Spread(shares.map { Double(part($0)) / Double(fileBytes) })
    }
}

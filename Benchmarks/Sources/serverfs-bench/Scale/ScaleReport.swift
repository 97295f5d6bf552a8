/// The tables of the scale measurement.
struct ScaleReport {
    var rows: [ScaleRow] = []
    var listing: ListingResult?
    var descriptorLimit: Int

    /// What is asked for.
    static let bytesPerInodeMax = 300.0
    /// The same cost in a large tree as in a small one: no more than twice, which leaves room for colder processor caches,
    /// and none for a search.
    static let growthOfLookupMax = 2.0

    var lookups: Table {
        var table = Table([
            ("files", .right), ("ns a lookup, mount", .right), ("of it the daemon's CPU", .right),
            ("ns a lookup, docroot", .right), ("LOOKUPs a file", .right), ("inodes", .right),
            ("daemon memory grown by", .right), ("bytes an inode", .right),
        ])
        for (index, row) in rows.enumerated() {
            table.addRow([
                grouped(Double(row.files)), grouped(row.mountNanoseconds.median),
                grouped(row.daemonNanoseconds.median), grouped(row.docrootNanoseconds.median),
                fixed(row.lookupRequests, decimals: 3), grouped(Double(row.inodes)),
                binaryAmount(Double(row.memoryGrowthBytes)),
                fixed(row.bytesPerInode(beyond: index > 0 ? rows[index - 1] : nil), decimals: 0),
            ])
        }
        return table
    }

    var reading: Table {
        var table = Table([
            ("files", .right), ("walked and read", .right), ("errors", .right), ("µs a file", .right),
            ("descriptors of \(descriptorLimit)", .right), ("inodes after lookups and drop_caches 2", .right),
            ("after reading and drop_caches 3", .right),
        ])
        for row in rows {
            table.addRow([
                grouped(Double(row.files)), grouped(Double(row.filesRead)), errors(row),
                fixed(Double(row.readNanoseconds) / 1000 / Double(max(row.filesRead, 1)), decimals: 1),
                "\(row.descriptors)", row.inodesAfterLookupsAndDrop.map { "\($0)" } ?? "–",
                row.inodesAfterReadingAndDrop.map { "\($0)" } ?? "–",
            ])
        }
        return table
    }

    var listings: Table? {
        guard let listing else { return nil }
        var table = Table([
            ("one folder", .left), ("entries", .right), ("in full and in order", .left), ("ms", .right),
        ])
        func row(_ name: String, _ figures: VisitFigures, _ isComplete: String) {
            table.addRow([
                name, grouped(Double(figures.files)), isComplete,
                fixed(Double(figures.nanoseconds) / 1_000_000, decimals: 1),
            ])
        }
        row("docroot", listing.docroot, "")
        row("mount, first (\(grouped(Double(listing.requests))) FUSE requests)", listing.first, complete(listing.first))
        row("mount, again", listing.second, complete(listing.second))
        return table
    }

    var verdicts: [Verdict] {
        guard let first = rows.first, let last = rows.last else { return [] }
        let files = "\(grouped(Double(last.files))) files"
        let missing = rows.reduce(0) { $0 + $1.failures + abs($1.files - $1.filesRead) }
        let drops = rows.flatMap { [$0.inodesAfterLookupsAndDrop, $0.inodesAfterReadingAndDrop] }.compactMap { $0 }
        var verdicts = [
            Verdict(
                what: "files missing, wrong or in error, under \(descriptorLimit) descriptors, up to \(files)",
                target: "0", measured: "\(missing)", isMet: missing == 0),
            .atMost(
                Self.bytesPerInodeMax, decimals: 0, "bytes of daemon memory an inode, \(files)",
                last.bytesPerInode(beyond: rows.count > 1 ? rows[rows.count - 2] : nil)),
            Verdict(
                what: "inodes left after drop_caches, the root among them, up to \(files)", target: "1",
                measured: drops.max().map { "\($0)" } ?? "–", isMet: drops.max().map { $0 == 1 }),
        ]
        if rows.count > 1 {
            verdicts.append(
                .atMost(
                    Self.growthOfLookupMax, decimals: 2,
                    "ns a lookup, \(files) / \(grouped(Double(first.files))) files",
                    last.mountNanoseconds.median / first.mountNanoseconds.median))
        }
        if let listing {
            verdicts.append(
                Verdict(
                    what: "entries of one folder listed, in order", target: grouped(Double(listing.docroot.files)),
                    measured: grouped(Double(min(listing.first.files, listing.second.files))),
                    isMet: listing.isComplete))
        }
        return verdicts
    }

    private func complete(_ figures: VisitFigures) -> String {
        guard let docroot = listing?.docroot else { return "" }
        return figures.files == docroot.files && figures.digest == docroot.digest ? "yes" : "no"
    }

    private func errors(_ row: ScaleRow) -> String {
        guard row.failures > 0 else { return "0" }
        return "\(row.failures) (\(row.firstError == 0 ? "other bytes" : errorText(Int32(row.firstError))))"
    }
}

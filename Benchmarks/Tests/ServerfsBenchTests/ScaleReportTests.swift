import Testing

@testable import serverfs_bench

@Suite struct ScaleReportTests {
    private func row(_ files: Int, nanoseconds: Double, growth: Int) -> ScaleRow {
        ScaleRow(
            files: files, docrootNanoseconds: Spread([900]), mountNanoseconds: Spread([nanoseconds]),
            daemonNanoseconds: Spread([5000]), lookupRequests: 1.001, inodes: files + 2, memoryGrowthBytes: growth,
            descriptors: 150, filesRead: files, readNanoseconds: files * 40_000, failures: 0, firstError: 0,
            inodesAfterLookupsAndDrop: 1, inodesAfterReadingAndDrop: 1)
    }

    private func report() -> ScaleReport {
        ScaleReport(
            rows: [
                row(1000, nanoseconds: 10_000, growth: 1_000_000),
                row(11_000, nanoseconds: 12_000, growth: 3_500_000),
            ],
            descriptorLimit: 1024)
    }

    @Test func whatIsBoundedIsNotCountedForTheInodes() {
        let rows = report().rows
        #expect(rows[1].bytesPerInode(beyond: rows[0]) == 250)
        #expect(rows[0].bytesPerInode(beyond: nil) == 1_000_000.0 / 1002)
    }

    @Test func theTablesHoldEachSize() {
        let report = report()
        #expect(
            cells(report.lookups)[3] == ["11,000", "12,000", "5,000", "900", "1.001", "11,002", "3.34 MB", "250"])
        #expect(cells(report.reading)[3] == ["11,000", "11,000", "0", "40.0", "150", "1", "1"])
        #expect(report.listings == nil)
        #expect(report.verdicts.map(\.isMet) == [true, true, true, true])
    }

    @Test func eachTargetCanBeMissed() {
        var report = report()
        report.rows[0].filesRead = 999
        report.rows[1].memoryGrowthBytes = 9_000_000
        report.rows[1].inodesAfterReadingAndDrop = 2
        report.rows[1].mountNanoseconds = Spread([21_000])
        #expect(report.verdicts.map(\.isMet) == [false, false, false, false])
        #expect(report.verdicts.map(\.measured) == ["1", "800", "2", "2.10"])
    }

    @Test func errorsAreNamed() {
        var report = report()
        report.rows[1].failures = 3
        report.rows[1].firstError = 24
        #expect(cells(report.reading)[3][2] == "3 (Too many open files)")
        #expect(report.verdicts[0].isMet == false)
    }

    @Test func withoutThePrivilegeNothingIsSaidOfDroppedCaches() {
        var report = report()
        for index in report.rows.indices {
            report.rows[index].inodesAfterLookupsAndDrop = nil
            report.rows[index].inodesAfterReadingAndDrop = nil
        }
        #expect(report.verdicts[2].isMet == nil)
    }

    @Test func aListingMustBeInFullAndInOrder() throws {
        var figures = VisitFigures()
        figures.files = 100
        figures.digest = 7
        var listing = ListingResult(docroot: figures, first: figures, second: figures, requests: 3)
        #expect(listing.isComplete)
        listing.second.digest = 8
        #expect(!listing.isComplete)
        var report = report()
        report.listing = listing
        #expect(report.verdicts.last?.isMet == false)
        #expect(cells(try #require(report.listings)).last == ["mount, again", "100", "no", "0.0"])
    }

    @Test func treesAreOnlyMadeInMemoryWhereThereIsRoom() {
        let tenFiles = 10 * ScaleFolder.bytesPerFile
        #expect(ScaleFolder.hasRoom("/tmp", files: 10, memoryBytes: 2 * tenFiles))
        #expect(!ScaleFolder.hasRoom("/tmp", files: 10, memoryBytes: 2 * tenFiles - 2))
        #expect(!ScaleFolder.hasRoom("/tmp", files: 1 << 40, memoryBytes: .max))
        #expect(!ScaleFolder.hasRoom("/no-such-folder", files: 1, memoryBytes: .max))
    }
}

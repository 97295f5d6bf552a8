import Testing

@testable import serverfs_bench

@Suite struct StatisticsTests {
    @Test(
        arguments: [([3], 3), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5), ([1, 1, 1, 100, 1], 1)] as [([Double], Double)])
    func medianIsTheMiddle(values: [Double], expected: Double) {
        #expect(median(values) == expected)
    }

    @Test func spreadKeepsTheExtremes() {
        let spread = Spread([0.97, 0.92, 0.99])
        #expect(spread.median == 0.97)
        #expect(spread.min == 0.92)
        #expect(spread.max == 0.99)
        #expect(Spread([1, 3]).standardError == 1.25)
        #expect(Spread([1]).standardError.isNaN)
        #expect(Spread([1, .nan, 2]).median.isNaN)
    }
}

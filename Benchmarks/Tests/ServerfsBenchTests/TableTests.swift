import Testing

@testable import serverfs_bench

/// The cells of each row, without the padding.
func cells(_ table: Table) -> [[String]] {
    table.text.split(separator: "\n").map { line in
        line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
    }
}

@Suite struct TableTests {
    @Test func columnsAreLinedUpAndMarkdown() {
        var table = Table([("what", .left), ("n", .right)])
        table.addRow(["mount", "12,345"])
        table.addRow(["min–max", "1"])
        #expect(
            table.text == """
                | what    |      n |
                | ------- | -----: |
                | mount   | 12,345 |
                | min–max |      1 |

                """)
    }

    @Test func aBarInACellDoesNotEndIt() {
        var table = Table([("command", .left)])
        table.addRow(["a | b"])
        #expect(table.text.contains("| a \\| b  |"))
    }

    @Test(arguments: [
        (0.9476, 2, "0.95"), (0.9476, 3, "0.948"), (1, 2, "1.00"), (0.00004, 5, "0.00004"), (12.5, 0, "13"),
        (-0.25, 1, "-0.3"), (-0.001, 2, "0.00"), (.nan, 2, "–"),
    ])
    func decimalsAreFixed(value: Double, decimals: Int, expected: String) {
        #expect(fixed(value, decimals: decimals) == expected)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (26_400, "26,400"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
        (-100, "-100"),
    ])
    func thousandsAreGrouped(value: Double, expected: String) {
        #expect(grouped(value) == expected)
    }

    @Test(
        arguments: [
            (0, "0.00 B"), (1536, "1.50 KB"), (773.05 * 1_048_576, "773.05 MB"),
            (1.57 * 1_073_741_824, "1.57 GB"),
        ] as [(Double, String)])
    func amountsAreInUnitsOfWrk(bytes: Double, expected: String) {
        #expect(binaryAmount(bytes) == expected)
    }

    @Test func commandsCanBePasted() {
        #expect(shellCommand(["wrk", "-t2", "http://127.0.0.1:1/a"]) == "wrk -t2 http://127.0.0.1:1/a")
        #expect(shellCommand(["a b", "it's", ""]) == #"'a b' 'it'\''s' ''"#)
    }
}

import Testing

extension FaultSuite {
    /// `make soak MINUTES=10`; twenty seconds in the short form.
    @Test(
        .enabled(if: soakSeconds != nil, "it runs by itself: make soak, or the short form in make test"),
        .timeLimit(.minutes(24 * 60)))
    static func soak() throws {
        let seconds = soakSeconds ?? 0
        let row = try Fault(
            "soak of \(Int(seconds)) s: load, changes, toggles, mount losses", times: (1, 1),
            hardLimitSeconds: seconds + 60
        ) { trial in
            // Fewer than there are files: full, and changing, all the time.
            var soak = try Soak(seconds: seconds, trial: trial, options: ["--open-file-cache", "16"])
            try soak.run()
        }.run(.short)
        FaultTable.shared.add(row)
        #expect(row.hangs == 0, "soak: hangs")
        #expect(row.wrongBytes == 0, "soak: wrong bytes")
        for failure in row.failures { Issue.record("\(failure)") }
    }

    private static let soakSeconds: Double? =
        SuiteForm.soakMinutes.map { $0 * 60 } ?? (SuiteForm.asked == .short && SuiteForm.only.isEmpty ? 20 : nil)
}

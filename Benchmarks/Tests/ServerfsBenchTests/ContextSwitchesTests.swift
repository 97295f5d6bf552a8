import Testing

@testable import serverfs_bench

@Suite struct ContextSwitchesTests {
    private func status(_ name: String, _ voluntary: Int, _ nonvoluntary: Int) -> String {
        """
        Name:\t\(name)
        State:\tS (sleeping)
        voluntary_ctxt_switches:\t\(voluntary)
        nonvoluntary_ctxt_switches:\t\(nonvoluntary)

        """
    }

    @Test func threadsAreSortedByTheirNames() {
        var switches = ContextSwitches()
        switches.add(status: status("http-0", 10, 1))
        switches.add(status: status("http-1", 20, 2))
        switches.add(status: status("fuse-0", 300, 4))
        switches.add(status: status("signals", 5000, 5000))
        #expect(switches == ContextSwitches(http: 33, fuse: 304))
        #expect(switches.all == 337)
        #expect(switches - ContextSwitches(http: 3, fuse: 4) == ContextSwitches(http: 30, fuse: 300))
    }
}

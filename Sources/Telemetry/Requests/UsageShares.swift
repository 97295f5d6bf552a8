import Glibc

/// What a thread has used since it began: its processor time and its context switches.
struct ProcessorUsage: Equatable {
    var nanoseconds: UInt64 = 0
    var switches = ContextSwitches()

    static var ofCurrentThread: ProcessorUsage {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return ProcessorUsage(
            nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec),
            switches: .ofCurrentThread)
    }
}

/// Shares out what an event loop's thread has used between the requests of the mount and those of the bypass, in proportion to
/// their numbers. Of that thread.
struct UsageShares {
    private var usage = ProcessorUsage()
    private var mountRequests: UInt64 = 0
    private var bypassRequests: UInt64 = 0

    /// Adds what was used since the last time to `counters`, by the requests counted there meanwhile. Without a request it is left
    /// for the next time.
    mutating func settle(_ now: ProcessorUsage, in counters: Counters<HTTPCounter>) {
        let mount = counters[.mountRequests] &- mountRequests
        let bypass = counters[.bypassRequests] &- bypassRequests
        guard mount > 0 || bypass > 0 else { return }
        func share(_ mountKey: HTTPCounter, _ bypassKey: HTTPCounter, _ amount: UInt64) {
            let part = Self.part(of: amount, mount, bypass)
            counters.add(mountKey, part)
            counters.add(bypassKey, amount &- part)
        }
        let switches = now.switches &- usage.switches
        share(.mountProcessorNanoseconds, .bypassProcessorNanoseconds, now.nanoseconds &- usage.nanoseconds)
        share(.mountVoluntarySwitches, .bypassVoluntarySwitches, switches.voluntary)
        share(.mountInvoluntarySwitches, .bypassInvoluntarySwitches, switches.involuntary)
        usage = now
        mountRequests &+= mount
        bypassRequests &+= bypass
    }

    /// `amount` × `first` / (`first` + `second`), which is in range however large they are.
    static func part(of amount: UInt64, _ first: UInt64, _ second: UInt64) -> UInt64 {
        let (sum, isTooLarge) = first.addingReportingOverflow(second)
        if isTooLarge { return part(of: amount, first / 2, second / 2) }
        guard sum > 0 else { return 0 }
        return sum.dividingFullWidth(amount.multipliedFullWidth(by: first)).quotient
    }
}

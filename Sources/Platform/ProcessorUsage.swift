import Glibc

/// How the machine's processors have been used, up to one moment.
package struct ProcessorUsage: Sendable {
    /// Clock ticks of all processors together, and those of them in which they had nothing to do.
    private let ticks: UInt64
    private let idleTicks: UInt64
    /// Seconds of this process, and of its children that have been waited for.
    private let ownSeconds: Double

    /// The present moment; nil where /proc/stat cannot be read. Any thread.
    package static var now: ProcessorUsage? {
        guard let text = try? Processes.contents("/proc/stat") else { return nil }
        var own = 0.0
        for who in [RUSAGE_SELF, RUSAGE_CHILDREN] {
            var usage = rusage()
            getrusage(__rusage_who_t(who.rawValue), &usage)
            for time in [usage.ru_utime, usage.ru_stime] { own += Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        }
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        return ProcessorUsage(String(decoding: line, as: UTF8.self), ownSeconds: own)
    }

    /// - Parameter line: the first of /proc/stat: cpu, then ticks in user mode, niced, in the kernel, idle, waiting for I/O, in
    ///   interrupts, in soft ones, and stolen by other machines.
    init?(_ line: String, ownSeconds: Double) {
        let fields = line.split(separator: " ")
        let numbers = fields.dropFirst().prefix(8).compactMap { UInt64($0) }
        guard fields.first == "cpu", numbers.count == 8 else { return nil }
        ticks = numbers.reduce(0, &+)
        idleTicks = numbers[3] &+ numbers[4]
        self.ownSeconds = ownSeconds
    }

    /// What share of all processor time since `start` others have used: neither idle, nor this process's and its children's.
    package func othersShare(since start: ProcessorUsage) -> Double {
        let ticksPerSecond = Double(sysconf(CInt(_SC_CLK_TCK)))
        let all = Double(ticks &- start.ticks)
        guard all > 0 else { return 0 }
        let others = all - Double(idleTicks &- start.idleTicks) - (ownSeconds - start.ownSeconds) * ticksPerSecond
        return min(max(others / all, 0), 1)
    }
}

/// The context switches of one thread.
struct ThreadSwitches {
    /// In the order of time: CLOCK_MONOTONIC, shifted to the left by two bits for what happened.
    private var records: [UInt64] = []
    /// All there were, those that found no room here as well.
    private(set) var voluntary: UInt64 = 0
    private(set) var involuntary: UInt64 = 0

    private enum Bits {
        static let out: UInt64 = 1
        static let preempted: UInt64 = 2
    }

    mutating func add(out nanoseconds: UInt64, isPreempted: Bool, isKept: Bool) {
        if isPreempted { involuntary += 1 } else { voluntary += 1 }
        if isKept { records.append(nanoseconds << 2 | Bits.out | (isPreempted ? Bits.preempted : 0)) }
    }

    mutating func add(in nanoseconds: UInt64, isKept: Bool) {
        if isKept { records.append(nanoseconds << 2) }
    }

    /// When it was off its processor, one after the other. What began before the recording, or ended after it, is not among them.
    var pauses: [Pause] {
        var pauses: [Pause] = []
        pauses.reserveCapacity(records.count / 2)
        var out: UInt64?
        for record in records {
            if record & Bits.out != 0 {
                out = record
            } else if let began = out {
                pauses.append(
                    Pause(
                        startNanoseconds: began >> 2, endNanoseconds: record >> 2,
                        isPreempted: began & Bits.preempted != 0))
                out = nil
            }
        }
        return pauses
    }
}

/// A time that a thread was off its processor.
struct Pause: BitwiseCopyable {
    let startNanoseconds: UInt64
    let endNanoseconds: UInt64
    /// Whether it could have gone on.
    let isPreempted: Bool
}

/// Tells when a mount stands still: requests wait, and none is answered, for a time.
///
/// Looks are counted as well as time: when the watchdog itself does not run for a while, or the whole machine stands, the
/// clock goes on, and the server had no chance to answer.
struct StallMeter: Sendable {
    private let nanosecondsMax: UInt64
    private let looksMax: Int
    private var answered: UInt64 = 0
    /// The first look that saw no progress, and how many have since.
    private var start: UInt64 = 0
    private var looks = 0

    /// - Parameter lookNanoseconds: the least time between two looks.
    init(seconds: Int, lookNanoseconds: UInt64) {
        nanosecondsMax = UInt64(seconds) * 1_000_000_000
        looksMax = Int(nanosecondsMax / lookNanoseconds)
    }

    /// Takes a look.
    ///
    /// - Parameters:
    ///   - waiting: how many requests wait for an answer.
    ///   - answered: how many have been answered so far.
    /// - Returns: whether the time is over.
    mutating func look(waiting: Int, answered: UInt64, now: UInt64) -> Bool {
        if waiting == 0 || answered != self.answered || looks == 0 {
            self.answered = answered
            start = now
            looks = waiting == 0 ? 0 : 1
            return false
        }
        looks += 1
        return looks > looksMax && now - start >= nanosecondsMax
    }
}

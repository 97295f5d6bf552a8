import Glibc

/// The system's clocks, as plain integers. Any thread.
package enum Clock {
    /// Nanoseconds since an arbitrary start that never step back (CLOCK_MONOTONIC).
    package static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Seconds since 1970 (CLOCK_REALTIME).
    package static var unixSeconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }

    /// Nanoseconds since 1970 (CLOCK_REALTIME).
    package static var unixNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The same in seconds, with their fraction.
    package static var unixSecondsExactly: Double { Double(unixNanoseconds) / 1e9 }
}

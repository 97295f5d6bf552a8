import Glibc

/// Context switches of a thread (`getrusage(2)`, `ru_nvcsw` and `ru_nivcsw`).
package struct ContextSwitches: Sendable, Equatable {
    package var voluntary: UInt64 = 0
    package var involuntary: UInt64 = 0

    package init(voluntary: UInt64 = 0, involuntary: UInt64 = 0) {
        self.voluntary = voluntary
        self.involuntary = involuntary
    }

    /// RUSAGE_THREAD of <sys/resource.h>, which Swift does not see.
    private static let callingThread: CInt = 1

    /// Those of the calling thread since it began.
    package static var ofCurrentThread: ContextSwitches {
        var usage = rusage()
        getrusage(callingThread, &usage)
        return ContextSwitches(voluntary: UInt64(usage.ru_nvcsw), involuntary: UInt64(usage.ru_nivcsw))
    }

    package static func &+ (left: Self, right: Self) -> Self {
        Self(voluntary: left.voluntary &+ right.voluntary, involuntary: left.involuntary &+ right.involuntary)
    }

    package static func &- (left: Self, right: Self) -> Self {
        Self(voluntary: left.voluntary &- right.voluntary, involuntary: left.involuntary &- right.involuntary)
    }
}

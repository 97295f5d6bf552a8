/// Nanoseconds that HTTP requests have spent in a phase, by the way their file was read.
public struct PhaseTime: CounterKey {
    /// Its place among the counters.
    public let rawValue: Int

    /// The counter at a place.
    public init(rawValue: Int) { self.rawValue = rawValue }

    package init(_ path: ServingPath, _ phase: RequestPhase) {
        rawValue = path.rawValue * RequestPhase.allCases.count + phase.rawValue
    }

    /// All of them, in the order of their places.
    public static var allCases: [PhaseTime] {
        (0..<ServingPath.allCases.count * RequestPhase.allCases.count).map(PhaseTime.init(rawValue:))
    }
}

/// Nanoseconds that FUSE requests have taken, by operation: from the receipt to the reply, and the reply's `writev(2)`.
public struct FuseTime: CounterKey {
    package enum Part: Int, CaseIterable, Sendable { case service, reply }

    /// Its place among the counters.
    public let rawValue: Int

    /// The counter at a place.
    public init(rawValue: Int) { self.rawValue = rawValue }

    package init(_ operation: FuseOperation, _ part: Part) {
        rawValue = operation.rawValue * Part.allCases.count + part.rawValue
    }

    /// All of them, in the order of their places.
    public static var allCases: [FuseTime] {
        (0..<FuseOperation.allCases.count * Part.allCases.count).map(FuseTime.init(rawValue:))
    }
}

/// A moment by which something must have happened.
struct Deadline {
    private let instant: ContinuousClock.Instant

    init(after limit: Duration) {
        instant = .now + limit
    }

    var hasPassed: Bool { .now >= instant }
}

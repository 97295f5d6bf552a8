import TestSupport

/// Finds out when a server serves again.
enum Probe {
    /// Asks on one new connection after the other until several answers in a row are right.
    ///
    /// - Returns: seconds from `moment` to the first of these; nil when they do not come within `limit` seconds.
    static func secondsUntilService(port: UInt16, since moment: Stopwatch, limit: Double = 10) -> Double? {
        let deadline = Deadline(seconds: limit)
        var first: Double?
        var inARow = 0
        while inARow < 5 {
            if deadline.hasPassed { return nil }
            var client = CheckingClient(port: port, limitSeconds: 1)
            if client.fetch(Content.names[5 + inARow]) {
                inARow += 1
                first = first ?? moment.seconds
            } else {
                (first, inARow) = (nil, 0)
            }
        }
        return first
    }
}

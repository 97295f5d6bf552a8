/// What clients saw.
struct Tally: Sendable {
    /// Whole files, right to the last byte.
    var right = 0
    /// Answers of 400 and above, by status.
    var refused: [Int: Int] = [:]
    /// Connections that were closed, refused or reset, whatever had come until then.
    var closed = 0
    /// Requests without an answer, or without its end, within the limit.
    var hung = 0
    /// Answers of 200 that are not the file.
    var wrong = 0
    /// The first of those that must not be, in words.
    var complaint: String?

    static func + (one: Tally, other: Tally) -> Tally {
        var sum = one
        sum.right += other.right
        sum.refused.merge(other.refused, uniquingKeysWith: +)
        sum.closed += other.closed
        sum.hung += other.hung
        sum.wrong += other.wrong
        sum.complaint = one.complaint ?? other.complaint
        return sum
    }
}

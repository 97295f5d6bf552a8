/// What a visit has found, as lines of a name and a number: the way from the visiting process to the measuring one.
struct VisitFigures: Equatable {
    /// Files, or entries of a listing.
    var files = 0
    /// Of the calls that are measured.
    var nanoseconds = 0
    var bytes = 0
    /// Files that were not what they must be, an error or other bytes, and the first such error number.
    var failures = 0
    var firstError = 0
    /// Of all names in their order.
    var digest = 0

    private static var names: [(String, WritableKeyPath<VisitFigures, Int>)] {
        [
            ("files", \.files), ("nanoseconds", \.nanoseconds), ("bytes", \.bytes), ("failures", \.failures),
            ("first-error", \.firstError), ("digest", \.digest),
        ]
    }

    init() {}

    /// Nil when a figure is missing, so that a visit that has died is not taken for one that found nothing.
    init?(parsing text: String) {
        var values: [Substring: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let value = Int(words[1]) else { return nil }
            values[words[0]] = value
        }
        for (name, path) in Self.names {
            guard let value = values[Substring(name)] else { return nil }
            self[keyPath: path] = value
        }
    }

    var text: String {
        Self.names.map { "\($0.0) \(self[keyPath: $0.1])\n" }.joined()
    }

    mutating func fail(_ code: Int32) {
        if failures == 0 { firstError = Int(code) }
        failures += 1
    }
}

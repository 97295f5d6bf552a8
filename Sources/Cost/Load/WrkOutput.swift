/// What wrk prints that says whether its run counts.
package struct WrkOutput: Equatable, Sendable {
    package var requests = 0
    package var connectErrors = 0
    package var readErrors = 0
    package var writeErrors = 0
    /// wrk's "Non-2xx or 3xx responses".
    package var errorResponses = 0

    /// - Returns: nil when the text is not that of a run that has come to its end.
    package init?(_ text: String) {
        var hasTotal = false
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "," })
            if words.count > 3, words[1] == "requests", words[2] == "in", let count = Int(words[0]) {
                requests = count
                hasTotal = true
            } else if words.starts(with: ["Socket", "errors:"]) {
                // Socket errors: connect 0, read 5, write 0, timeout 2
                connectErrors = Self.count(after: "connect", in: words)
                readErrors = Self.count(after: "read", in: words)
                writeErrors = Self.count(after: "write", in: words)
            } else if words.starts(with: ["Non-2xx", "or", "3xx", "responses:"]), words.count > 4 {
                errorResponses = Int(words[4]) ?? 0
            }
        }
        if !hasTotal { return nil }
    }

    /// Why the run does not count, as a sentence; nil when it does. Late answers do: it is the server's time that is measured.
    package var defect: String? {
        if connectErrors > 0 { return "wrk could not make \(connectErrors) connections" }
        if readErrors > 0 || writeErrors > 0 {
            return "connections were closed: wrk reports \(readErrors) read errors and \(writeErrors) write errors"
        }
        if errorResponses > 0 { return "\(errorResponses) of \(requests) requests were answered with an error" }
        return requests == 0 ? "no request was answered" : nil
    }

    private static func count(after name: Substring, in words: [Substring]) -> Int {
        guard let index = words.firstIndex(of: name), index + 1 < words.count else { return 0 }
        return Int(words[index + 1]) ?? 0
    }
}

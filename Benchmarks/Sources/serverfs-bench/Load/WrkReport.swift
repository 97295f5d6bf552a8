/// What wrk prints, read back. Its binary units (1 MB is 1024 × 1024 bytes) are kept: the report of 2013 uses them too.
struct WrkReport: Equatable {
    /// What kept connections from doing their work; wrk prints the line only if there is something in it.
    struct SocketErrors: Equatable {
        var connect = 0
        var read = 0
        var write = 0
        var timeout = 0

        static let none = SocketErrors()
    }

    enum ParseError: Error, Equatable {
        case missing(line: String)
        case malformed(line: String)
    }

    var requests: Int
    var bytesRead: Double
    var requestsPerSecond: Double
    var transferBytesPerSecond: Double
    var socketErrors = SocketErrors.none
    /// wrk's "Non-2xx or 3xx responses".
    var errorResponses = 0
}

extension WrkReport {
    init(parsing output: String) throws(ParseError) {
        let lines = output.split(separator: "\n").map(Self.trimmed)

        let totals = try Self.first(of: lines, containing: " requests in ")
        // "63329 requests in 2.08s, 1.57GB read"
        let words = totals.split(separator: " ")
        guard words.count == 6, words[5] == "read", let requests = Int(words[0]), let read = Self.bytes(words[4])
        else { throw .malformed(line: String(totals)) }
        self.requests = requests
        bytesRead = read

        let rate = try Self.first(of: lines, containing: "Requests/sec:")
        guard let requestsPerSecond = Double(Self.value(rate)) else { throw .malformed(line: String(rate)) }
        self.requestsPerSecond = requestsPerSecond

        let transfer = try Self.first(of: lines, containing: "Transfer/sec:")
        guard let transferPerSecond = Self.bytes(Self.value(transfer)) else {
            throw .malformed(line: String(transfer))
        }
        transferBytesPerSecond = transferPerSecond

        if let line = lines.first(where: { $0.hasPrefix("Socket errors:") }) {
            guard let errors = SocketErrors(parsing: Self.value(line)) else { throw .malformed(line: String(line)) }
            socketErrors = errors
        }
        if let line = lines.first(where: { $0.hasPrefix("Non-2xx or 3xx responses:") }) {
            guard let count = Int(Self.value(line)) else { throw .malformed(line: String(line)) }
            errorResponses = count
        }
    }

    /// The mean of all that came over the connections for one request, the head included.
    var bytesPerRequest: Double { bytesRead / Double(requests) }

    /// "773.05MB" as a count of bytes.
    static func bytes(_ text: some StringProtocol) -> Double? {
        guard text.last == "B" else { return nil }
        var number = text.dropLast()
        var factor = 1.0
        if let unit = number.last, let power = "KMGTP".firstIndex(of: unit) {
            number = number.dropLast()
            for _ in "KMGTP"[...power] { factor *= 1024 }
        }
        return Double(number).map { $0 * factor }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        line.drop { $0 == " " }
    }

    private static func value(_ line: Substring) -> Substring {
        guard let colon = line.firstIndex(of: ":") else { return "" }
        return trimmed(line[line.index(after: colon)...])
    }

    private static func first(
        of lines: [Substring], containing text: String
    ) throws(ParseError) -> Substring {
        guard let line = lines.first(where: { $0.contains(text) }) else { throw .missing(line: text) }
        return line
    }
}

extension WrkReport.SocketErrors {
    /// Reads "connect 0, read 5, write 0, timeout 2".
    init?(parsing list: Substring) {
        for entry in list.split(separator: ",") {
            let words = entry.split(separator: " ")
            guard words.count == 2, let count = Int(words[1]) else { return nil }
            switch words[0] {
            case "connect": connect = count
            case "read": read = count
            case "write": write = count
            case "timeout": timeout = count
            default: return nil
            }
        }
    }
}

extension WrkReport {
    /// Why the figures must not be used, as the end of a sentence, or nil if they are sound. A response that is too
    /// short, such as a redirection, would count as a request and make its server look fast.
    func defect(fileBytes: Int) -> String? {
        if socketErrors != .none {
            return "wrk reports socket errors: connect \(socketErrors.connect), read \(socketErrors.read), "
                + "write \(socketErrors.write), timeout \(socketErrors.timeout)"
        }
        if errorResponses > 0 { return "wrk reports \(errorResponses) responses that are not 2xx or 3xx" }
        if requests == 0 { return "wrk reports no finished request" }
        // wrk prints the total with three to six digits, so a little less than the file's size is still all of it.
        if bytesPerRequest < 0.98 * Double(fileBytes) {
            return "a response has \(Int(bytesPerRequest)) bytes on average, and the file has \(fileBytes)"
        }
        return nil
    }
}

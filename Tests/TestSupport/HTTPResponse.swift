/// A response as a client received it.
package struct HTTPResponse: Sendable {
    package var status = 0
    package var reason = ""
    /// `HTTP/1.1`.
    package var version = ""
    /// In the order received.
    package var fields: [(name: String, value: String)] = []
    package var body: [UInt8] = []

    package var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// The value of the only field with that name, whatever the case; nil when there is none, or more than one.
    package subscript(_ name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }
        return values.count == 1 ? values[0].value : nil
    }

    /// Content-Length as a number.
    package var contentLength: Int? { self["Content-Length"].flatMap(Int.init) }

    /// The fields that tell of the file and not of the moment.
    package var fileFields: [String] {
        fields.filter { !["date", "server", "connection"].contains($0.name.lowercased()) }
            .map { "\($0.name): \($0.value)" }
    }

    /// Reads a head, without its empty line.
    package init(head: some Collection<UInt8>) throws {
        let text = String(decoding: head, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasPrefix("HTTP/"), parts[1].count == 3, let status = Int(parts[1]) else {
            throw ClientFailure.malformed(String(lines[0]))
        }
        self.version = String(parts[0])
        self.status = status
        self.reason = String(parts[2])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex, !line.contains("\n") else {
                throw ClientFailure.malformed(String(line))
            }
            let value = line[line.index(after: colon)...]
            fields.append((String(line[..<colon]), value.trimmingSpaces))
        }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

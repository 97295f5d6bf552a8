/// Figures as `serverfs top` writes them.
enum TopText {
    /// With so many digits behind the point, and commas between thousands.
    static func number(_ value: Double, digits: Int = 0) -> String {
        guard value.isFinite else { return "-" }
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        // What has no end in sight is not from a serverfs.
        guard let scaled = UInt64(exactly: (max(value, 0) * scale).rounded()) else { return "-" }
        let whole = String(scaled / UInt64(scale))
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index).isMultiple(of: 3) { grouped.append(",") }
            grouped.append(digit)
        }
        if digits == 0 { return grouped }
        let part = String(scaled % UInt64(scale))
        return "\(grouped).\(String(repeating: "0", count: digits - part.count))\(part)"
    }

    /// With the unit in which it has up to three digits.
    static func duration(nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999.5: "\(number(nanoseconds)) ns"
        case ..<9_995: "\(number(nanoseconds / 1e3, digits: 2)) µs"
        case ..<99_950: "\(number(nanoseconds / 1e3, digits: 1)) µs"
        case ..<999_500: "\(number(nanoseconds / 1e3)) µs"
        case ..<9_995_000: "\(number(nanoseconds / 1e6, digits: 2)) ms"
        case ..<99_950_000: "\(number(nanoseconds / 1e6, digits: 1)) ms"
        case ..<999_500_000: "\(number(nanoseconds / 1e6)) ms"
        default: "\(number(nanoseconds / 1e9, digits: 2)) s"
        }
    }

    /// Hours, minutes and seconds, as far as they count.
    static func uptime(seconds: Double) -> String {
        guard let seconds = Int(exactly: seconds.rounded(.down)) else { return "-" }
        if seconds >= 86400 { return "\(seconds / 86400) d \(seconds / 3600 % 24) h" }
        if seconds >= 3600 { return "\(seconds / 3600) h \(seconds / 60 % 60) min" }
        return seconds >= 60 ? "\(seconds / 60) min \(seconds % 60) s" : "\(seconds) s"
    }

    /// A table: the first column to the left, the others to the right.
    static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }.joined(separator: "  ")
        }
    }

    /// Without what a terminal would take for a command: names come from clients.
    static func printable(_ text: String) -> String {
        String(
            text.map {
                $0.unicodeScalars.allSatisfy {
                    $0.properties.generalCategory != .control
                        && $0.properties.generalCategory != .format
                } ? $0 : "\u{fffd}"
            })
    }
}

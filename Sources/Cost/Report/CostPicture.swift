/// The waterfall as an SVG document: text as text, legible in light and dark, told to screen readers by its title and
/// description.
package struct CostPicture {
    private let report: CostReport

    private enum Layout {
        static let width = 900
        static let headTop = 58
        static let headCharacters = 115
        static let headLineHeight = 19
        static let noteCharacters = 42
        static let rowHeight = 44
        static let barHeight = 26
        static let barsLeft = 330
        static let barsRight = 730
        static let timeRight = 806
        static let shareRight = 876
        static let lineCharacters = 104
        static let lineHeight = 22
    }

    private struct Bar {
        enum Kind { case bypass, step, mount }
        let kind: Kind
        let name: String
        let note: String
        let start: Microseconds
        let end: Microseconds
        let share: String
        var time: Microseconds { end - start }
    }

    package init(_ report: CostReport) { self.report = report }

    package var text: String {
        let bars = bars
        let headLines =
            Self.wrap("\(report.setting.docroot): \(report.heading)", Layout.headCharacters)
            + Self.wrap(report.setting.strategies, Layout.headCharacters)
        let lines =
            Self.wrap(report.sentence, Layout.lineCharacters)
            + (report.warning.map { Self.wrap($0, Layout.lineCharacters) } ?? [])
        let top = Layout.headTop + headLines.count * Layout.headLineHeight + 28
        let height = top + bars.count * Layout.rowHeight + 24 + lines.count * Layout.lineHeight + 10
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Layout.width) \(height)" width="\(Layout.width)" \
            height="\(height)" role="img" aria-labelledby="t d">
            <title id="t">What a request through the mount costs</title>
            <desc id="d">\(Self.escaped(description(bars)))</desc>
            \(Self.style)
            <rect class="paper" width="\(Layout.width)" height="\(height)"/>
            <text class="h" x="24" y="34">What a request through the mount costs: µs of a worker</text>
            <text class="end s" x="\(Layout.timeRight)" y="\(top - 12)">µs</text>
            <text class="end s" x="\(Layout.shareRight)" y="\(top - 12)">share</text>

            """
        for (index, line) in headLines.enumerated() {
            let y = Layout.headTop + index * Layout.headLineHeight
            svg += "<text class=\"s\" x=\"24\" y=\"\(y)\">\(Self.escaped(line))</text>\n"
        }
        let scale = Scale(bars.flatMap { [$0.start, $0.end] })
        for (index, bar) in bars.enumerated() {
            svg += Self.element(bar, top: top + index * Layout.rowHeight, scale, isLast: index == bars.count - 1)
        }
        for (index, line) in lines.enumerated() {
            let y = top + bars.count * Layout.rowHeight + 28 + index * Layout.lineHeight
            svg += "<text x=\"24\" y=\"\(y)\">\(Self.escaped(line))</text>\n"
        }
        return svg + "</svg>\n"
    }

    private var bars: [Bar] {
        let (waterfall, round) = (report.waterfall, report.measurement.medianRound)
        let zero = Microseconds(tenths: 0)
        var bars = [
            Bar(
                kind: .bypass, name: "bypass", note: "\(grouped(round.bypass.requestsPerSecond)) requests/s",
                start: zero, end: waterfall.bypass, share: "")
        ]
        var level = waterfall.bypass
        for step in waterfall.steps {
            bars.append(
                Bar(
                    kind: .step, name: step.cause.name, note: step.counts, start: level, end: level + step.time,
                    share: step.share.map { "\($0) %" } ?? ""))
            level = level + step.time
        }
        let fuseRequests = hundredths(round.mount.fuseRequestsPerRequest)
        let note = "\(grouped(round.mount.requestsPerSecond)) requests/s, \(fuseRequests) FUSE requests"
        bars.append(Bar(kind: .mount, name: "mount", note: note, start: zero, end: waterfall.mount, share: ""))
        return bars
    }

    private func description(_ bars: [Bar]) -> String {
        let figures = bars.map { bar in
            "\(bar.name) \(bar.time) µs\(bar.share.isEmpty ? "" : ", \(bar.share) of the mount's cost")"
        }
        return "A waterfall: \(figures.joined(separator: "; ")). \(report.sentence)"
    }

    /// Where a time is, from left to right.
    private struct Scale {
        private let least: Double
        private let range: Double

        init(_ times: [Microseconds]) {
            least = Double(min(times.map(\.tenths).min() ?? 0, 0))
            range = max(Double(times.map(\.tenths).max() ?? 0) - least, 1)
        }

        func x(_ time: Microseconds) -> Int {
            let share = (Double(time.tenths) - least) / range
            return Layout.barsLeft + Int((share * Double(Layout.barsRight - Layout.barsLeft)).rounded())
        }
    }

    private static func element(_ bar: Bar, top: Int, _ scale: Scale, isLast: Bool) -> String {
        let (left, right) = (scale.x(min(bar.start, bar.end)), scale.x(max(bar.start, bar.end)))
        let style =
            switch bar.kind {
            case .bypass: "b"
            case .step: bar.end < bar.start ? "less" : "more"
            case .mount: "m"
            }
        let middle = top + Layout.barHeight / 2
        var text = """
            <text class="h" x="24" y="\(middle + 1)">\(escaped(bar.name))</text>
            <text class="s" x="24" y="\(middle + 19)">\(escaped(shortened(bar.note)))</text>
            <rect class="\(style)" x="\(left)" y="\(top)" width="\(max(right - left, 1))" height="\(Layout.barHeight)"/>
            <text class="end h" x="\(Layout.timeRight)" y="\(middle + 5)">\(bar.time)</text>
            <text class="end s" x="\(Layout.shareRight)" y="\(middle + 5)">\(bar.share)</text>

            """
        if !isLast {
            // The next step starts where this one ends.
            let start = "\(scale.x(bar.end)) \(top + Layout.barHeight)"
            text += "<path class=\"link\" d=\"M\(start)v\(Layout.rowHeight - Layout.barHeight)\"/>\n"
        }
        return text
    }

    /// A list of counts as far as there is room for it before the bars; the report has all of it.
    private static func shortened(_ note: String) -> String {
        guard note.count > Layout.noteCharacters else { return note }
        let room = note.prefix(Layout.noteCharacters - 3)
        return "\(room[..<(room.lastIndex(of: ",") ?? room.endIndex)]), …"
    }

    /// Breaks a text between words, but not between a number and its unit; a word that is too long for a line, anywhere.
    private static func wrap(_ text: String, _ charactersMax: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        var words: [String] = []
        for word in text.split(separator: " ") {
            if word.hasPrefix("%") || word.hasPrefix("µs"), let number = words.popLast() {
                words.append("\(number)\u{a0}\(word)")
            } else {
                words.append(String(word))
            }
        }
        for word in words {
            if !line.isEmpty, line.count + 1 + word.count > charactersMax {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? word : " \(word)"
            while line.count > charactersMax {
                lines.append(String(line.prefix(charactersMax)))
                line = String(line.dropFirst(charactersMax))
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// Text as XML has it.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // Characters that XML has no place for: a path may hold any.
            case "\0"..<" ", "\u{7f}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static let style = """
        <style>
          svg { --paper:#eef2f5; --ink:#18212b; --soft:#53606d; --rule:#7d8a96; --mount:#b01e4b; --bypass:#0a6283; --more:#d0708f;
                font-family: Seravek, "Gill Sans Nova", Ubuntu, Calibri, "Noto Sans", "DejaVu Sans", sans-serif; font-size:15px }
          @media (prefers-color-scheme: dark) {
            svg { --paper:#1a2128; --ink:#dde4ea; --soft:#a3afba; --rule:#7d8a96; --mount:#ff86a3; --bypass:#66c6e6; --more:#b05a75 }
          }
          text { fill:var(--ink) }  .s { fill:var(--soft); font-size:13.5px }  .h { font-weight:700 }  .end { text-anchor:end }
          .paper { fill:var(--paper) }  .b { fill:var(--bypass) }  .m { fill:var(--mount) }  .more { fill:var(--more) }
          .less { fill:none; stroke:var(--more); stroke-width:2; stroke-dasharray:5 3 }
          .link { stroke:var(--rule); stroke-dasharray:3 3 }
        </style>
        """
}

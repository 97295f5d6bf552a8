/// A table that is Markdown, and that can be read as plain text as well: its columns are lined up.
struct Table {
    enum Alignment {
        case left
        case right
    }

    private let alignments: [Alignment]
    private var lines: [[String]]

    init(_ columns: [(title: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        lines = [columns.map { Self.escaped($0.title) }]
    }

    /// As many cells as there are columns.
    mutating func addRow(_ cells: [String]) {
        precondition(cells.count == alignments.count)
        lines.append(cells.map(Self.escaped))
    }

    var text: String {
        let widths = alignments.indices.map { column in max(3, lines.map { $0[column].count }.max()!) }
        var rows = lines.map { cells in
            alignments.indices.map { Self.padded(cells[$0], to: widths[$0], alignments[$0]) }
        }
        let rule = alignments.indices.map { column in
            let dashes = String(repeating: "-", count: widths[column])
            return alignments[column] == .left ? dashes : dashes.dropLast() + ":"
        }
        rows.insert(rule, at: 1)
        return rows.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    private static func padded(_ cell: String, to width: Int, _ alignment: Alignment) -> String {
        let spaces = String(repeating: " ", count: width - cell.count)
        return alignment == .left ? cell + spaces : spaces + cell
    }
}

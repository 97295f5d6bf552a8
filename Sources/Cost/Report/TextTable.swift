/// Columns of text, as wide as what is in them.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    init(_ alignments: [Alignment]) { self.alignments = alignments }

    /// As many cells as there are columns.
    mutating func add(_ cells: String...) {
        precondition(cells.count == alignments.count)
        rows.append(cells)
    }

    var text: String {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { cells in
            let padded = alignments.indices.map { column in
                let spaces = String(repeating: " ", count: widths[column] - cells[column].count)
                return alignments[column] == .left ? cells[column] + spaces : spaces + cells[column]
            }
            let line = padded.joined(separator: "   ")
            return String(line[...(line.lastIndex { $0 != " " } ?? line.startIndex)]) + "\n"
        }.joined()
    }
}

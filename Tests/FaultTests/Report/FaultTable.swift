import Glibc
import Synchronization
import Testing

/// The rows of all faults tried, printed when the suite is over.
final class FaultTable: Sendable {
    static let shared = FaultTable()

    private let rows = Mutex<[Row]>([])

    func add(_ row: Row) { rows.withLock { $0.append(row) } }

    var text: String {
        let rows = rows.withLock { $0 }
        guard !rows.isEmpty else { return "" }
        let width = (rows.map(\.fault.count) + [5]).max()!
        var lines = [
            pad("fault", width) + "  times  hangs  wrong bytes  service back (s)  process gone (s)  all tries (s)",
            String(repeating: "-", count: width + 73),
        ]
        for row in rows {
            if let reason = row.skipped {
                lines.append(pad(row.fault, width) + "  not tried: \(reason)")
                continue
            }
            var line = pad(row.fault, width)
            line += lead("\(row.times)", 7) + lead("\(row.hangs)", 7) + lead("\(row.wrongBytes)", 13)
            line += lead(seconds(row.secondsBack), 18) + lead(seconds(row.secondsGone), 18)
            line += lead(seconds(row.secondsInAll), 15)
            let notes = row.notes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) of \(row.times)" }
            line += row.failures.isEmpty ? "" : "  FAILED"
            line += notes.isEmpty ? "" : "  (\(notes.joined(separator: "; ")))"
            lines.append(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 0))
    }

    private func lead(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    private func seconds(_ value: Double?) -> String {
        guard let value else { return "" }
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}

/// Prints the table when all tests of the suite have run.
struct TableTrait: SuiteTrait, TestScoping {
    var isRecursive: Bool { false }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await function()
        print("\n" + FaultTable.shared.text)
        fflush(nil)
    }
}

extension Trait where Self == TableTrait {
    static var printsTable: Self { TableTrait() }
}

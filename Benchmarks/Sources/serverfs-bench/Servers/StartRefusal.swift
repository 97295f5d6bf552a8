/// serverfs has ended at its start, and said why in a sentence: a combination that cannot work, or a missing privilege.
struct StartRefusal: Error, Equatable {
    var reason: String

    init(reason: String) { self.reason = reason }

    /// Nil when the process has not ended as one that refuses, with status 64 for the command line and 1 for the machine.
    init?(_ ending: ChildProcess.Ending, errorOutput: String) {
        let marker: String
        switch ending {
        case .exited(64): marker = "Error: "
        case .exited(1): marker = "serverfs: "
        default: return nil
        }
        guard let line = errorOutput.split(separator: "\n").first(where: { $0.hasPrefix(marker) }) else { return nil }
        let sentence = line.dropFirst(marker.count)
        reason = String(sentence.last == "." ? sentence.dropLast() : sentence)
    }
}

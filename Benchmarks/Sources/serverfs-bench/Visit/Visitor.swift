import FoundationEssentials

/// Sends a process of its own on a visit, and reads what it has found.
struct Visitor {
    let directory: TemporaryDirectory

    /// - Parameter limit: it is ended when it takes longer, as with a mount that hangs.
    func visit(
        _ task: VisitCommand.Task, _ path: String, files: Int = 0, limit: Duration
    ) throws -> VisitFigures {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = try ChildProcess(
            "visit-\(Self.nextNumber())", executable, ["visit", task.rawValue, path, "--files", "\(files)"],
            in: directory)
        defer { process.end() }
        guard let ending = try process.wait(atMost: limit) else {
            throw BenchFailure(.runFailed, "the visit of \(path) (\(task.rawValue)) has not ended within \(limit)")
        }
        guard ending == .exited(0), let figures = VisitFigures(parsing: process.output) else {
            throw BenchFailure(
                .runFailed, "the visit of \(path) (\(task.rawValue)) failed (\(ending)): \(process.errorOutput)")
        }
        return figures
    }

    /// Names the output files of every visit. There is one thread only.
    nonisolated(unsafe) private static var visits = 0

    private static func nextNumber() -> Int {
        unsafe visits += 1
        return unsafe visits
    }
}

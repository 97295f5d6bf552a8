import Glibc

/// A run of wrk that is under way.
struct RunningWrk {
    private let process: ChildProcess
    private let url: String
    private let seconds: Int
    private let fileBytes: Int

    init(_ process: ChildProcess, url: String, seconds: Int, fileBytes: Int) {
        self.process = process
        self.url = url
        self.seconds = seconds
        self.fileBytes = fileBytes
    }

    /// Its processor time so far.
    var processorNanoseconds: Int { ProcessFacts.processorNanoseconds(process.pid) }

    /// Has it print its report now: SIGINT is its Ctrl-C.
    func stop() { process.signal(SIGINT) }

    func end() { process.end() }

    /// Waits until it is over. Throws if the figures are not to be used.
    func report() throws -> WrkReport {
        // Beyond its time, wrk only waits for its threads.
        guard let ending = try process.wait(atMost: .seconds(seconds + 30)) else {
            throw BenchFailure(.runFailed, "wrk on \(url) has not ended 30 s after its \(seconds) s")
        }
        guard ending == .exited(0) else {
            throw BenchFailure(.runFailed, "wrk on \(url) failed (\(ending)): \(process.output)\(process.errorOutput)")
        }
        let report: WrkReport
        do {
            report = try WrkReport(parsing: process.output)
        } catch {
            throw BenchFailure(.runFailed, "wrk on \(url) printed something unexpected: \(error)\n\(process.output)")
        }
        if let defect = report.defect(fileBytes: fileBytes) {
            throw BenchFailure(.runFailed, "the run on \(url) does not count: \(defect)")
        }
        return report
    }
}

import Glibc
import TestSupport

/// wrk, asking for one file on many connections until it is ended.
final class Load {
    private let process: ChildProcess

    init(port: UInt16, connections: Int = 400, in folder: PrivateFolder) throws {
        process = try ChildProcess(
            [
                "wrk", "-t1", "-c\(connections)", "-d1h", "--timeout", "10s",
                "http://127.0.0.1:\(port)/\(Content.loadName)",
            ], in: folder)
    }

    func stop() {
        process.signal(SIGKILL)
        _ = process.wait(seconds: 5)
    }
}

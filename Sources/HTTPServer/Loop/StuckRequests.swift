import Telemetry

/// The requests of one event loop whose threads wait for a file system. Event thread only; but a connection in here belongs to
/// the thread that waits with it, until that brings it back: nothing of it may be changed.
final class StuckRequests {
    struct Request {
        let connection: Connection
        /// What it asks for, as text.
        let path: String
        /// Others that ask for the same file: for them no thread of their own is to wait.
        var waiters: [Connection] = []
        /// The loop's tick at which the client is told.
        let deadlineTick: Int
        /// Whether the client has been told, so that there is nobody to answer any more.
        var isGivenUp = false
    }

    private var requests: [Request] = []

    var count: Int { requests.count }
    var isEmpty: Bool { requests.isEmpty }
    /// Whether no more threads may wait.
    var isFull: Bool { requests.count >= Limits.stuckRequestsMax }

    /// Whether one of the files is, or was looked for, there.
    func isAnyIn(_ servingPath: ServingPath) -> Bool {
        requests.contains { $0.connection.requestedFile.servingPath == servingPath }
    }

    func add(_ connection: Connection, path: String, deadlineTick: Int) {
        requests.append(Request(connection: connection, path: path, deadlineTick: deadlineTick))
    }

    func remove(_ connection: Connection) -> Request? {
        requests.firstIndex { $0.connection === connection }.map { requests.remove(at: $0) }
    }

    /// Has a connection wait for the answer to another that asks for the same file.
    ///
    /// - Returns: whether there is one.
    func wait(_ connection: Connection, for file: RequestedFile) -> Bool {
        guard let index = requests.firstIndex(where: { $0.connection.requestedFile == file }) else { return false }
        requests[index].waiters.append(connection)
        return true
    }

    /// The requests whose time is up, each once.
    func takeDue(tick: Int) -> [Request] {
        var due: [Request] = []
        for index in requests.indices {
            // Who waits no longer is closed with its last reference.
            requests[index].waiters.removeAll { $0.phase != .waiting }
            guard !requests[index].isGivenUp, requests[index].deadlineTick <= tick else { continue }
            requests[index].isGivenUp = true
            due.append(requests[index])
        }
        return due
    }
}

/// Which file a request is for, as far as it tells requests apart that would wait for each other.
struct RequestedFile: Equatable {
    var servingPath = ServingPath.mount
    /// Of the path's bytes.
    var hash: UInt64 = 0
}

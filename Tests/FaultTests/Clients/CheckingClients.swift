import Glibc
import Platform
import Synchronization
import TestSupport

/// Clients that fetch self-describing files all the while, each on a connection of its own that it makes anew when it is
/// closed, and compare what they get.
final class CheckingClients: Sendable {
    private let isDone = SharedFlag()
    private let tally: SharedTally
    private let threads: ClientThreads

    /// - Parameters:
    ///   - each: clients for each port.
    ///   - limitSeconds: how long an answer may pause before it counts as a hang.
    ///   - isStale: whether a version is one that must not be served any more to a request of that start time.
    init(
        ports: [UInt16], each: Int = 2, limitSeconds: Int,
        isStale: @escaping @Sendable (_ name: String, _ version: Int, _ started: UInt64) -> Bool = { _, _, _ in false }
    ) throws {
        let isDone = isDone
        let tally = SharedTally()
        self.tally = tally
        threads = try ClientThreads(ports.count * each) { index in
            var client = CheckingClient(
                port: ports[index % ports.count], limitSeconds: limitSeconds, isStale: isStale, seed: UInt64(index))
            while !isDone.isSet { client.fetchOne() }
            tally.add(client.tally)
        }
    }

    /// Ends them; a request under way is waited for.
    func stop() throws -> Tally {
        isDone.set()
        try threads.join()
        return tally.value
    }
}

private final class SharedTally: Sendable {
    private let sum = Mutex(Tally())

    var value: Tally { sum.withLock { $0 } }

    func add(_ tally: Tally) { sum.withLock { $0 = $0 + tally } }
}

/// One client. Its thread only.
struct CheckingClient {
    private(set) var tally = Tally()
    private let port: UInt16
    private let limitSeconds: Int
    private let isStale: @Sendable (String, Int, UInt64) -> Bool
    private var generator: SeededGenerator
    private var connection: HTTPConnection?

    init(
        port: UInt16, limitSeconds: Int,
        isStale: @escaping @Sendable (String, Int, UInt64) -> Bool = { _, _, _ in false }, seed: UInt64 = 0
    ) {
        self.port = port
        self.limitSeconds = limitSeconds
        self.isStale = isStale
        generator = SeededGenerator(seed: seed)
    }

    /// Fetches a file of chance and counts what comes of it.
    mutating func fetchOne() { fetch(Content.names.randomElement(using: &generator)!) }

    /// Fetches a file and counts what comes of it. The connection is kept where it can be.
    ///
    /// - Returns: whether it was the file.
    @discardableResult
    mutating func fetch(_ name: String) -> Bool {
        let started = Clock.monotonicNanoseconds
        do {
            let connection = try connection ?? HTTPConnection(port: port, timeoutSeconds: limitSeconds)
            self.connection = connection
            let response = try connection.exchange("/\(name)")
            if response["Connection"]?.lowercased() == "close" { self.connection = nil }
            return count(response, name: name, started: started)
        } catch {
            connection = nil
            count(error, name: name)
            // Whoever is not there is not asked ten thousand times a second.
            usleep(5000)
            return false
        }
    }

    private mutating func count(_ response: HTTPResponse, name: String, started: UInt64) -> Bool {
        if response.status >= 400 {
            tally.refused[response.status, default: 0] += 1
            usleep(1000)
            return false
        }
        guard response.status == 200, let version = Content.version(of: response.body, name: name) else {
            tally.wrong += 1
            tally.complaint = tally.complaint ?? "status \(response.status), \(response.body.count) bytes for \(name)"
            return false
        }
        if isStale(name, version, started) {
            tally.wrong += 1
            tally.complaint = tally.complaint ?? "the old version \(version) of \(name)"
            return false
        }
        tally.right += 1
        return true
    }

    private mutating func count(_ error: any Error, name: String) {
        switch error {
        case ClientFailure.timedOut:
            tally.hung += 1
            tally.complaint = tally.complaint ?? "no answer for \(name) on port \(port) within \(limitSeconds) s"
        case ClientFailure.malformed(let text):
            tally.wrong += 1
            tally.complaint = tally.complaint ?? "not HTTP: \(text)"
        default: tally.closed += 1
        }
    }
}

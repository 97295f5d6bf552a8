import Glibc
import Platform
import Synchronization
import TestSupport

/// A docroot whose files are replaced all the while, each by its next version, and now and then taken away for a moment.
final class ChangingDocroot: Sendable {
    private let docroot: String
    /// By name: the versions and when they were in place, oldest first. What is too old to matter is left out.
    private let history = Mutex<[String: [(version: Int, nanoseconds: UInt64)]]>([:])
    /// How long an old version may still be served after its successor is in place.
    private static let graceNanoseconds: UInt64 = 2_000_000_000

    init(_ docroot: String) { self.docroot = docroot }

    /// Changes files until `isDone`. One thread.
    func change(until isDone: SharedFlag, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        while !isDone.isSet {
            let name = Content.names.randomElement(using: &generator)!
            let version = (history.withLock { $0[name]?.last?.version } ?? 0) + 1
            if version % 8 == 0 {
                unlink("\(docroot)/\(name)")
                usleep(5000)
            }
            let next = "\(docroot)/.next"
            try writeFile(Array(next.utf8), Content.bytes(name, version: version))
            rename(next, "\(docroot)/\(name)")
            note(name, version)
            usleep(20_000)
        }
    }

    private func note(_ name: String, _ version: Int) {
        let now = Clock.monotonicNanoseconds
        history.withLock { history in
            var versions = history[name] ?? []
            // Ten seconds are the longest that a request may have been under way.
            while versions.count > 1, versions[1].nanoseconds + 20_000_000_000 < now { versions.removeFirst() }
            history[name] = versions + [(version, now)]
        }
    }

    /// Whether a version had a successor for longer than the grace when a request was started.
    func isStale(_ name: String, _ version: Int, _ started: UInt64) -> Bool {
        let versions = history.withLock { $0[name] } ?? []
        guard let successor = versions.first(where: { $0.version > version }) else { return false }
        return successor.nanoseconds + Self.graceNanoseconds < started
    }
}

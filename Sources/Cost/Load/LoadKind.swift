import Glibc

/// `--load`: who makes the requests.
package enum LoadKind: String, CaseIterable, Sendable {
    /// wrk, as a process of its own.
    case wrk
    /// Threads of this process, for where there is no wrk.
    case builtIn = "built-in"

    /// Connections where nobody says how many.
    package var connectionsDefault: Int { self == .wrk ? 400 : 64 }

    /// The load to use: wrk where it is on the PATH, unless the other is asked for.
    ///
    /// - Throws: when wrk is asked for and is not there.
    package static func choose(_ wanted: LoadKind?) throws(CostFailure) -> LoadKind {
        if wanted == .builtIn { return .builtIn }
        if WrkProcess.path != nil { return .wrk }
        if wanted == .wrk { throw CostFailure("wrk is not on the PATH: apt-get install wrk, or --load built-in") }
        return .builtIn
    }
}

/// What is asked for, of whom, and by how many at once.
package struct LoadTarget: Sendable {
    /// Of a server on 127.0.0.1.
    package var port: UInt16
    /// Asked for in turn; each begins with a slash.
    package var paths: [String]
    package var connections: Int
    /// Threads that make the requests.
    package var threads: Int

    package init(port: UInt16, paths: [String], connections: Int, threads: Int) {
        self.port = port
        self.paths = paths
        self.connections = connections
        self.threads = threads
    }

    /// Why a path cannot be asked for, as the end of a sentence; nil when it can.
    package static func defect(ofPath path: String) -> String? {
        if !path.hasPrefix("/") { return "does not begin with a slash" }
        // It is put into a request line, and into an address or a script for wrk.
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"\\#".utf8.contains($0) }
        if !isPlain { return "has characters that must be percent-encoded" }
        return path.utf8.count > 4096 ? "is longer than 4096 bytes" : nil
    }
}

/// A load that is on.
enum RunningLoad {
    case wrk(WrkProcess)
    case builtIn(BuiltInLoad)

    /// Starts asking, and goes on until `end`, or for `secondsMax` where nobody comes to end it.
    init(_ kind: LoadKind, on target: LoadTarget, secondsMax: Int) throws(CostFailure) {
        switch kind {
        case .wrk: self = .wrk(try WrkProcess(on: target, seconds: secondsMax))
        case .builtIn: self = .builtIn(try BuiltInLoad(on: target))
        }
    }

    /// Ends it and waits until it is gone.
    ///
    /// - Throws: when not every request was answered in full with 200.
    func end() throws(CostFailure) {
        switch self {
        case .wrk(let process): try process.end()
        case .builtIn(let load): try load.end()
        }
    }
}

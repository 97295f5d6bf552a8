/// Where a response's file came from: the FUSE mount, or the docroot itself.
package enum ServingPath: Int, LatencyKey {
    case mount, bypass
}

/// What an event loop counts.
package enum HTTPCounter: Int, CounterKey {
    case connectionsAccepted, connectionsRefused
    case mountRequests, bypassRequests
    /// Bytes of bodies handed to the socket.
    case mountBodyBytes, bypassBodyBytes
    case mountOpenFileHits, bypassOpenFileHits
    case mountOpenFileMisses, bypassOpenFileMisses
    /// Requests whose head could not be used: no file was looked for.
    case invalidRequests
    /// Responses that were cut off: the file was shorter than it had said, or the client went away or stalled.
    case truncatedResponses
    /// Requests whose thread a file system has kept waiting, so that another went on with the loop.
    case stuckRequests
    /// Those among them whose time was up: answered 504, or cut off.
    case stuckRequestsGivenUp

    package static func requests(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountRequests : .bypassRequests
    }

    package static func bodyBytes(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountBodyBytes : .bypassBodyBytes
    }

    package static func openFileHits(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountOpenFileHits : .bypassOpenFileHits
    }

    package static func openFileMisses(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountOpenFileMisses : .bypassOpenFileMisses
    }
}

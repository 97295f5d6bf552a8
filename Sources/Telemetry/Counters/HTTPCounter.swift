/// Where a response's file came from: the FUSE mount, or the docroot itself.
public enum ServingPath: Int, LatencyKey {
    case mount, bypass
}

/// What an event loop's thread counts.
public enum HTTPCounter: Int, CounterKey {
    case connectionsAccepted, connectionsRefused, connectionsClosed
    case mountRequests, bypassRequests
    /// Bytes of bodies handed to the socket.
    case mountBodyBytes, bypassBodyBytes
    /// Those among them that were sent from mappings of their files.
    case mountMappedBodyBytes, bypassMappedBodyBytes
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
    /// FUSE requests that HTTP requests have caused, and what their service has taken.
    case mountFuseRequests, mountFuseServiceNanoseconds
    /// Requests whose context switches were looked at: about one in 64.
    case mountSampledRequests, bypassSampledRequests
    /// Context switches of the thread while it worked on those.
    case mountSampledVoluntary, bypassSampledVoluntary
    case mountSampledInvoluntary, bypassSampledInvoluntary
    /// The thread's whole processor time and context switches, shared out second by second by the requests of either kind.
    case mountProcessorNanoseconds, bypassProcessorNanoseconds
    case mountVoluntarySwitches, bypassVoluntarySwitches
    case mountInvoluntarySwitches, bypassInvoluntarySwitches

    @inlinable
    package static func requests(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountRequests : .bypassRequests
    }

    @inlinable
    package static func bodyBytes(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountBodyBytes : .bypassBodyBytes
    }

    @inlinable
    package static func mappedBodyBytes(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountMappedBodyBytes : .bypassMappedBodyBytes
    }

    @inlinable
    package static func openFileHits(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountOpenFileHits : .bypassOpenFileHits
    }

    @inlinable
    package static func openFileMisses(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountOpenFileMisses : .bypassOpenFileMisses
    }

    @inlinable
    package static func sampledRequests(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountSampledRequests : .bypassSampledRequests
    }

    @inlinable
    package static func sampledVoluntary(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountSampledVoluntary : .bypassSampledVoluntary
    }

    @inlinable
    package static func sampledInvoluntary(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountSampledInvoluntary : .bypassSampledInvoluntary
    }

    @inlinable
    package static func processorNanoseconds(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountProcessorNanoseconds : .bypassProcessorNanoseconds
    }

    @inlinable
    package static func voluntarySwitches(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountVoluntarySwitches : .bypassVoluntarySwitches
    }

    @inlinable
    package static func involuntarySwitches(_ path: ServingPath) -> HTTPCounter {
        path == .mount ? .mountInvoluntarySwitches : .bypassInvoluntarySwitches
    }
}

extension CounterGroup<HTTPCounter> {
    /// Connections that are open. Those closed are looked at first: each of them was accepted before.
    package var openConnections: UInt64 {
        let closed = self[.connectionsClosed]
        let accepted = self[.connectionsAccepted]
        return accepted > closed ? accepted - closed : 0
    }
}

/// What `serverfs top` takes from `/status`. Times are nanoseconds.
struct TopStatus: Decodable {
    let version: String
    let pid: Int
    let uptimeSeconds: Double
    let bypass: Bool?
    let mounted: Bool
    let degraded: Bool
    let mountLosses: UInt64
    let telemetry: Bool
    let recordingTrace: Bool
    let http: HTTP
    let fuse: FUSE
    let threads: [Thread]
    let slowRequests: [SlowRequest]
    let interval: Interval

    struct HTTP: Decodable {
        let mount: Served
        let bypass: Served
        let connections: Connections
        let invalidRequests: UInt64
        let truncatedResponses: UInt64
        let stuckRequests: UInt64
        let stuckRequestsGivenUp: UInt64
    }

    struct Connections: Decodable {
        let open: UInt64
        let accepted: UInt64
        let refused: UInt64
    }

    /// What was served in one of the two ways.
    struct Served: Decodable {
        let requests: UInt64
        let bodyBytes: UInt64
        let openFileHits: UInt64
        let openFileMisses: UInt64
        let fuseRequests: UInt64
        let voluntarySwitches: UInt64
        let involuntarySwitches: UInt64
        let processorNanoseconds: UInt64
    }

    struct Latency: Decodable {
        let count: UInt64
        let p50Nanoseconds: UInt64
        let p90Nanoseconds: UInt64
        let p99Nanoseconds: UInt64
        let maxNanoseconds: UInt64
    }

    struct FUSE: Decodable {
        let operations: [String: Operation]
        let readBytes: UInt64
        let inodes: UInt64
    }

    struct Operation: Decodable {
        let requests: UInt64
        let serviceNanoseconds: UInt64
        let replyNanoseconds: UInt64
        let latency: Latency
    }

    struct Thread: Decodable {
        let name: String
        let voluntarySwitches: UInt64
        let involuntarySwitches: UInt64
        let processorNanoseconds: UInt64
    }

    struct SlowRequest: Decodable {
        let path: String
        let via: String
        let status: Int
        let latencyNanoseconds: UInt64
        let phases: [String: UInt64]
        let fuseRequests: UInt64
    }

    /// The last second.
    struct Interval: Decodable {
        let http: [String: Part]

        struct Part: Decodable { let latency: Latency }
    }
}

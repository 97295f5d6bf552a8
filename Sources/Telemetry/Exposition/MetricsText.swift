/// Writes counters as text in the Prometheus exposition format, version 0.0.4.
package struct MetricsText {
    package private(set) var text = ""

    package init() {}

    /// Adds one metric family.
    ///
    /// - Parameters:
    ///   - name: in Prometheus's style: `serverfs_…_total` for counters, the unit before that.
    ///   - type: `counter` or `gauge`.
    ///   - samples: a label set such as `via="mount"` (or nothing) and a value each.
    package mutating func family(_ name: String, type: String, help: String, samples: [(labels: String, value: UInt64)])
    {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in samples {
            text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
        }
    }

    /// Adds what all event loops have counted.
    package mutating func add(_ http: CounterGroup<HTTPCounter>) {
        func both(_ key: (ServingPath) -> HTTPCounter) -> [(labels: String, value: UInt64)] {
            ServingPath.allCases.map { ("via=\"\($0)\"", http[key($0)]) }
        }
        family(
            "serverfs_http_connections_total", type: "counter", help: "Connections, by what became of them.",
            samples: [
                ("outcome=\"accepted\"", http[.connectionsAccepted]),
                ("outcome=\"refused\"", http[.connectionsRefused]),
            ])
        family(
            "serverfs_http_requests_total", type: "counter", help: "HTTP requests, by the way their file was read.",
            samples: both(HTTPCounter.requests))
        family(
            "serverfs_http_invalid_requests_total", type: "counter", help: "Requests whose head could not be used.",
            samples: [("", http[.invalidRequests])])
        family(
            "serverfs_http_truncated_responses_total", type: "counter", help: "Responses that were cut off.",
            samples: [("", http[.truncatedResponses])])
        family(
            "serverfs_http_stuck_requests_total", type: "counter",
            help: "Requests that a file system kept waiting, and those given up among them.",
            samples: [
                ("outcome=\"any\"", http[.stuckRequests]), ("outcome=\"given_up\"", http[.stuckRequestsGivenUp]),
            ])
        family(
            "serverfs_http_body_bytes_total", type: "counter", help: "Bytes of response bodies.",
            samples: both(HTTPCounter.bodyBytes))
        family(
            "serverfs_open_file_cache_hits_total", type: "counter", help: "Requests answered from an open descriptor.",
            samples: both(HTTPCounter.openFileHits))
        family(
            "serverfs_open_file_cache_misses_total", type: "counter", help: "Requests that opened their file.",
            samples: both(HTTPCounter.openFileMisses))
    }

    /// Adds how the mount fares.
    package mutating func add(isDegraded: Bool, mountLosses: UInt64) {
        family(
            "serverfs_mount_degraded", type: "gauge", help: "1 while the mount is lost and not made again yet.",
            samples: [("", isDegraded ? 1 : 0)])
        family(
            "serverfs_mount_losses_total", type: "counter", help: "How often the mount was lost.",
            samples: [("", mountLosses)])
    }

    /// Adds what all FUSE threads have counted, and the gauges of the inode table.
    package mutating func add(_ fuse: CounterGroup<FuseCounter>, inodes: Int) {
        family(
            "serverfs_fuse_requests_total", type: "counter", help: "FUSE requests that reached the daemon.",
            samples: FuseOperation.allCases.map { ("operation=\"\($0.name)\"", fuse[FuseCounter($0)]) })
        family(
            "serverfs_fuse_read_bytes_total", type: "counter", help: "Bytes of READ replies.",
            samples: [("", fuse[.readBytes])])
        family(
            "serverfs_fuse_error_replies_total", type: "counter", help: "FUSE replies that were an error.",
            samples: [("", fuse[.errorReplies])])
        family(
            "serverfs_fuse_deadlocks_avoided_total", type: "counter",
            help: "FUSE requests made by a FUSE thread, which were refused.", samples: [("", fuse[.deadlocksAvoided])])
        family(
            "serverfs_fuse_inodes", type: "gauge", help: "Inodes the kernel knows, the root among them.",
            samples: [("", UInt64(inodes))])
    }
}

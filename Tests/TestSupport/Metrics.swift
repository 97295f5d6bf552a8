/// Counters in Prometheus's text format, as serverfs prints them.
package struct Metrics: Sendable, Equatable {
    private var values: [String: UInt64] = [:]

    package init(_ text: String) {
        for line in text.split(separator: "\n") where line.hasPrefix("serverfs_") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { values[String(parts[0])] = UInt64(parts[1]) }
        }
    }

    /// A counter by its full name with labels; 0 when there is none.
    package subscript(_ name: String) -> UInt64 { values[name] ?? 0 }

    /// HTTP requests answered `via` mount or bypass.
    package func requests(via path: String) -> UInt64 { self["serverfs_http_requests_total{via=\"\(path)\"}"] }

    /// Bytes of bodies sent `via` mount or bypass.
    package func bodyBytes(via path: String) -> UInt64 { self["serverfs_http_body_bytes_total{via=\"\(path)\"}"] }

    /// FUSE requests of one operation.
    package func fuseRequests(_ operation: String) -> UInt64 {
        self["serverfs_fuse_requests_total{operation=\"\(operation)\"}"]
    }

    /// Bytes of READ replies.
    package var fuseReadBytes: UInt64 { self["serverfs_fuse_read_bytes_total"] }

    /// Everything that FUSE counts, without the gauges.
    package var allFuseCounters: [String: UInt64] {
        values.filter { $0.key.hasPrefix("serverfs_fuse_") && $0.key.contains("_total") }
    }
}

/// Counters in Prometheus's text format, as serverfs prints them.
package struct Metrics: Sendable, Equatable {
    private var values: [String: UInt64] = [:]
    private var numbers: [String: Double] = [:]

    package init(_ text: String) {
        for line in text.split(separator: "\n") where line.hasPrefix("serverfs_") {
            let parts = line.split(separator: " ")
            guard parts.count == 2 else { continue }
            values[String(parts[0])] = UInt64(parts[1])
            numbers[String(parts[0])] = Double(parts[1])
        }
    }

    /// A counter by its full name with labels; 0 when there is none.
    package subscript(_ name: String) -> UInt64 { values[name] ?? 0 }

    /// A value that may have a fraction, by its full name with labels; 0 when there is none.
    package func number(_ name: String) -> Double { numbers[name] ?? 0 }

    /// The sum of all values whose full name starts with `prefix`.
    package func sum(_ prefix: String) -> Double {
        numbers.filter { $0.key.hasPrefix(prefix) }.reduce(0) { $0 + $1.value }
    }

    /// HTTP requests answered `via` mount or bypass.
    package func requests(via path: String) -> UInt64 { self["serverfs_http_requests_total{via=\"\(path)\"}"] }

    /// Bytes of bodies sent `via` mount or bypass.
    package func bodyBytes(via path: String) -> UInt64 { self["serverfs_http_body_bytes_total{via=\"\(path)\"}"] }

    /// Those among them that were sent from mappings.
    package func mappedBodyBytes(via path: String) -> UInt64 {
        self["serverfs_http_mapped_body_bytes_total{via=\"\(path)\"}"]
    }

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

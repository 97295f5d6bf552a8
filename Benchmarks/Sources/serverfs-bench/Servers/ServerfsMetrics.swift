/// All that SIGUSR1 makes serverfs print, or `GET /metrics` gives, in Prometheus's text format.
struct ServerfsMetrics {
    private var values: [String: Int] = [:]

    /// Of what SIGUSR1 has printed: nil until the text is complete.
    init?(parsing text: String) {
        guard text.hasSuffix("# EOF\n") else { return nil }
        self.init(ofAdmin: text)
    }

    init(ofAdmin text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if let space = line.lastIndex(of: " "), let value = Int(line[line.index(after: space)...]) {
                values[String(line[..<space])] = value
            }
        }
    }

    /// The value of one series, written as serverfs writes it. Nothing that is missing is taken for zero.
    func value(_ series: String) throws -> Int {
        guard let value = values[series] else { throw BenchFailure(.runFailed, "serverfs does not print \(series)") }
        return value
    }

    /// The requests whose file was read that way.
    func httpRequests(_ way: Way) throws -> Int { try value("serverfs_http_requests_total{via=\"\(way.rawValue)\"}") }

    /// The requests that have reached the daemon, of all operations together.
    var fuseRequests: Int {
        get throws {
            let requests = values.filter { $0.key.hasPrefix("serverfs_fuse_requests_total{") }
            guard !requests.isEmpty else { throw BenchFailure(.runFailed, "serverfs does not print FUSE requests") }
            return requests.values.reduce(0, +)
        }
    }

    func fuseRequests(_ operation: String) throws -> Int {
        try value("serverfs_fuse_requests_total{operation=\"\(operation)\"}")
    }

    /// What grows with every request, and with nothing else.
    var traffic: [String: Int] {
        values.filter { name, _ in
            ["serverfs_http_requests_total{", "serverfs_http_body_bytes_total{", "serverfs_fuse_requests_total{"]
                .contains { name.hasPrefix($0) }
        }
    }

    /// The inodes the kernel knows, the root among them.
    var inodes: Int { get throws { try value("serverfs_fuse_inodes") } }
}

/// The counters of serverfs that a table needs, out of the Prometheus text that SIGUSR1 prints.
struct ServerfsCounters: Equatable {
    var mountRequests: Int
    var bypassRequests: Int
    var fuseRequests: Int

    /// Nil if the text does not hold the counters.
    init?(parsing text: String) {
        var requestsByWay: [Substring: Int] = [:]
        var fuseRequests: Int?
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Int(line[line.index(after: space)...]) else {
                continue
            }
            let series = line[..<space]
            if series.hasPrefix("serverfs_http_requests_total{") {
                requestsByWay[series] = value
            } else if series.hasPrefix("serverfs_fuse_requests_total{") {
                fuseRequests = (fuseRequests ?? 0) + value
            }
        }
        guard let mount = requestsByWay["serverfs_http_requests_total{via=\"mount\"}"],
            let bypass = requestsByWay["serverfs_http_requests_total{via=\"bypass\"}"], let fuseRequests
        else { return nil }
        mountRequests = mount
        bypassRequests = bypass
        self.fuseRequests = fuseRequests
    }
}

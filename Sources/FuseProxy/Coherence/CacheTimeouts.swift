/// How long the kernel may answer from what it was told, in seconds (`fuse_entry_param.entry_timeout` and
/// `attr_timeout`), before it asks again.
struct CacheTimeouts: Sendable {
    var entrySeconds: Double
    var attributeSeconds: Double

    init(_ policy: CachePolicy) {
        switch policy {
        case .none: (entrySeconds, attributeSeconds) = (0, 0)
        case .timeout(let seconds): (entrySeconds, attributeSeconds) = (seconds, seconds)
        }
    }
}

/// How long the kernel may answer from what it was told, in seconds (`fuse_entry_param.entry_timeout` and
/// `attr_timeout`), before it asks again.
struct CacheTimeouts: Sendable {
    var entrySeconds: Double
    var attributeSeconds: Double

    /// What libfuse's own file systems take: a change in the docroot is seen after at most a second.
    static let standard = CacheTimeouts(entrySeconds: 1, attributeSeconds: 1)
}

/// How long the kernel may answer from what it was told, in seconds (`fuse_entry_param.entry_timeout` and
/// `attr_timeout`), before it asks again.
struct CacheTimeouts: Sendable {
    var entrySeconds: Double
    var attributeSeconds: Double

    /// Until it is told otherwise.
    static let unlimited = 1e9

    /// Where changes are not told: what libfuse's own file systems take.
    static let standardSeconds = 1.0

    init(entrySeconds: Double, attributeSeconds: Double) {
        self.entrySeconds = entrySeconds
        self.attributeSeconds = attributeSeconds
    }

    /// What holds under `policy` for what no watch covers.
    init(_ policy: CachePolicy) {
        switch policy {
        case .none: self.init(entrySeconds: 0, attributeSeconds: 0)
        case .timeout(let seconds): self.init(entrySeconds: seconds, attributeSeconds: seconds)
        case .watched: self.init(entrySeconds: Self.standardSeconds, attributeSeconds: Self.standardSeconds)
        }
    }
}

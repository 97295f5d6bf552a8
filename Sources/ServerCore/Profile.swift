/// `--profile`: a named set of choices; each can still be made by itself.
package enum Profile: String, CaseIterable, Sendable {
    /// The report's proxy: one thread, every open and every read a round trip, nothing kept anywhere.
    case seed
    /// Where the report was heading: descriptors that stay open, and a cache built on mmap.
    case cached
    /// What measures best on this kernel.
    case fast

    /// Makes the profile's choices.
    package func apply(to configuration: inout ServerConfiguration) {
        configuration.profile = self
        switch self {
        case .seed:
            configuration.proxy.api = .lowLevel
            configuration.proxy.threads = 1
            configuration.proxy.open = .perOpen
            configuration.proxy.read = .copy
            configuration.proxy.cache = .none
            configuration.openFileCacheCapacity = 0
        case .cached:
            configuration.proxy.open = .retained
            configuration.proxy.read = .mmap
            configuration.proxy.cache = .timeout(seconds: 1)
        case .fast:
            // An open and close per request costs nothing but a kernel-side open: 0.9 of native and more, where the best
            // that makes a round trip of an OPEN keeps 0.6. READs are rare then, and copying them is as fast as any.
            // Told of changes, the kernel asks for nothing while nothing changes, for one file or a thousand.
            configuration.proxy.open = .stateless
            configuration.proxy.read = .copy
            configuration.proxy.cache = .watched
        }
    }
}

package import HTTPServer

/// What the command line asks for.
package struct ServerConfiguration: Sendable {
    package var docrootPath = "www"
    /// Addresses whose requests go through the mount, unless the bypass is on.
    package var listen: [ListenAddress] = []
    /// Addresses that always read the docroot.
    package var listenBypass: [ListenAddress] = []
    /// No mount at all.
    package var bypass = false
    /// nil: a new private folder.
    package var mountPointPath: String?
    package var workers = 2
    package var fuseThreads = 2
    /// Files kept open for each worker; 0 for none.
    package var openFileCacheCapacity = 1024
    package var keepAliveSeconds = 65

    package init() {}
}

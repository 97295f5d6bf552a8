import CFuse3
import Glibc

/// libfuse's objects for one mount, by the API they belong to.
struct LibraryHandle {
    let session: OpaquePointer
    /// The high-level API's object, which owns the session.
    private let highLevel: OpaquePointer?

    /// - Parameter context: what callbacks find the `ProxySession` by.
    init(_ configuration: ProxyConfiguration, options: String, context: UnsafeMutableRawPointer) throws(MountFailure) {
        var arguments = fuse_args(argc: 0, argv: nil, allocated: 0)
        defer { fuse_opt_free_args(&arguments) }
        for argument in ["serverfs", "-o", options] {
            guard fuse_opt_add_arg(&arguments, argument) == 0 else { throw MountFailure("out of memory") }
        }
        switch configuration.api {
        case .lowLevel:
            var callbacks = fuse_lowlevel_ops.proxy()
            highLevel = nil
            guard
                let made = fuse_session_new(&arguments, &callbacks, MemoryLayout<fuse_lowlevel_ops>.size, context)
            else { throw MountFailure("libfuse refused its options: \(LibraryLog.lastMessage)") }
            session = made
        case .highLevel:
            var callbacks = fuse_operations.proxy(configuration)
            guard let made = fuse_new(&arguments, &callbacks, MemoryLayout<fuse_operations>.size, context) else {
                throw MountFailure("libfuse refused its options: \(LibraryLog.lastMessage)")
            }
            highLevel = made
            session = fuse_get_session(made)
        }
    }

    /// Frees everything, and closes the channel, which ends the connection, where a transport has not taken it over.
    ///
    /// Not fuse_session_unmount: it would unmount, by path, whatever is mounted there by now.
    func destroy() {
        if let highLevel { fuse_destroy(highLevel) } else { fuse_session_destroy(session) }
    }
}

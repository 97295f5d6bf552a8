import Glibc
import Platform
import Telemetry
import Testing

@testable import FuseProxy

/// A docroot with the files `a`, `b` and `c`, and a session that is mounted beside it. Stopped with its last reference.
final class MountedProxy: @unchecked Sendable {
    let session: ProxySession
    let docroot: String
    let mountPoint: String
    private let folder: ScratchFolder

    init(_ configure: (inout ProxyConfiguration) -> Void = { _ in }) throws {
        folder = try ScratchFolder()
        folder.makeDirectory("/docroot")
        folder.makeDirectory("/mount")
        for name in ["a", "b", "c"] { folder.write("text", to: "/docroot/\(name)") }
        docroot = folder.path + "/docroot"
        mountPoint = folder.path + "/mount"
        var configuration = ProxyConfiguration()
        configuration.cache = .none
        configure(&configuration)
        session = try ProxySession(
            docroot: Docroot(path: docroot), mountPoint: mountPoint, configuration: configuration,
            measurements: Measurements())
        try session.start()
        try #require(session.waitUntilInitialized(seconds: 5))
        try session.teach()
    }

    /// Opens a file by the system call alone, which asks nobody whether it may.
    func open(_ name: String) -> Result<OpenedFile, Errno> {
        let descriptor = Glibc.open("\(mountPoint)/\(name)", O_RDONLY | O_CLOEXEC)
        return descriptor >= 0 ? .success(OpenedFile(descriptor)) : .failure(Errno(rawValue: errno))
    }

    deinit { _ = session.stop() }
}

final class OpenedFile {
    let descriptor: CInt
    init(_ descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }
}

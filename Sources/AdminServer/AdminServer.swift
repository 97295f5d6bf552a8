package import Platform

/// The operator's side of a server: its status, metrics, the bypass, traces and the live page, over HTTP on a loop and a thread
/// of its own, `admin`, which answers also when every other thread is stuck.
///
/// One thread makes and stops it.
package final class AdminServer: Sendable {
    private let loop: AdminLoop
    private let thread: NamedThread

    /// Connections that there may be at a time, where descriptors suffice.
    package static let connectionsMax = Limits.connectionsMax
    /// Connections that may wait to be taken.
    package static let backlog = Limits.backlog

    /// Serves from now on.
    ///
    /// - Parameters:
    ///   - socket: listens already; it does not wait.
    ///   - connectionsMax: for all its connections, each a descriptor.
    package init(
        _ subject: AdminSubject, access: AdminAccess, socket: SharedDescriptor, connectionsMax: Int
    ) throws(Errno) {
        let loop = try AdminLoop(subject, access: access, socket: socket, connectionsMax: connectionsMax)
        self.loop = loop
        thread = try NamedThread("admin") { loop.run() }
    }

    /// Ends at once, whatever is being sent.
    package func stop() {
        loop.stopping.signal()
        thread.join()
    }
}

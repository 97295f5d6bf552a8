import Glibc
package import Platform

/// The operator's side of a server: its status, metrics, the bypass, traces and the live page, over HTTP on a loop and a thread
/// of its own, `admin`, which answers also when every other thread is stuck.
///
/// One thread makes and stops it.
package final class AdminServer: Sendable {
    private let loop: AdminLoop
    private let thread: NamedThread
    /// Readable when the thread is at its end.
    private let finished: WakeUp

    /// Connections that there may be at a time, where descriptors suffice.
    package static let connectionsMax = Limits.connectionsMax
    /// Addresses that it may listen on.
    package static let addressesMax = Limits.addressesMax
    /// Connections that may wait to be taken.
    package static let backlog = Limits.backlog

    /// Serves from now on.
    ///
    /// - Parameters:
    ///   - sockets: listen already; they do not wait.
    ///   - connectionsMax: for all its connections, each a descriptor.
    package init(
        _ subject: AdminSubject, access: AdminAccess, sockets: [SharedDescriptor], connectionsMax: Int
    ) throws(Errno) {
        let loop = try AdminLoop(subject, access: access, sockets: sockets, connectionsMax: connectionsMax)
        self.loop = loop
        let finished = try WakeUp()
        self.finished = finished
        thread = try NamedThread("admin") {
            loop.run()
            finished.signal()
        }
    }

    /// Ends at once, whatever is being sent.
    package func stop() {
        loop.stopping.signal()
        var wait = pollfd(fd: finished.rawValue, events: Int16(POLLIN), revents: 0)
        // It waits for no other thread, but a disk may hold it up.
        if poll(&wait, 1, Limits.endMilliseconds) == 1 { thread.join() }
    }
}

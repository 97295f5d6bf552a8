import CLibevent
import Glibc
import Platform

/// The connections that evhttp has, which it tells nobody of: how many there are, and since when each has asked for nothing.
/// Admin thread only.
///
/// evhttp has no bound on connections and none on how slowly a request may come. But it lets us make its bufferevents: these
/// are held here too, and close their sockets when they go. One that evhttp has let go of has no callbacks any more; and one whose socket is shut down is to evhttp
/// a client that went away.
final class AdminConnections {
    private struct Member {
        /// CLOCK_MONOTONIC of its last request, or of its beginning.
        var sinceNanoseconds: UInt64
        /// A stream is open, which has a time limit of its own.
        var isStreaming = false
    }

    private var members: [OpaquePointer: Member] = [:]
    private let base: OpaquePointer
    private let connectionsMax: Int
    /// Stops taking connections, until `sweep` says that there is room.
    private let pause: () -> Void

    init(base: OpaquePointer, connectionsMax: Int, pause: @escaping () -> Void) {
        self.base = base
        self.connectionsMax = connectionsMax
        self.pause = pause
    }

    /// Makes the bufferevent of a new connection.
    fileprivate func make() -> OpaquePointer? {
        // Before there is one that has no callbacks yet.
        if members.count + 1 >= connectionsMax { _ = sweep() }
        // evhttp would close the socket before the last reference goes, and with it the events of a number that may be somebody
        // else's by then. So it shuts the socket down only, and whoever lets go last closes it.
        let options = Int32(BEV_OPT_CLOSE_ON_FREE.rawValue)
        guard let buffer = bufferevent_socket_new(base, -1, options) else { return nil }
        bufferevent_setwatermark(buffer, Int16(EV_READ), 0, Limits.receivedBytesMax)
        bufferevent_incref(buffer)
        members[buffer] = Member(sinceNanoseconds: Clock.monotonicNanoseconds)
        // The next look at all of them, a moment later, ends some.
        if members.count >= connectionsMax { pause() }
        return buffer
    }

    /// A connection has made a request.
    func note(_ buffer: OpaquePointer, isStreaming: Bool = false) {
        members[buffer]?.sinceNanoseconds = Clock.monotonicNanoseconds
        members[buffer]?.isStreaming = isStreaming
    }

    /// Lets go of those that are gone, and ends those that have asked for nothing for too long.
    ///
    /// - Returns: whether there is room for another.
    func sweep() -> Bool {
        let now = Clock.monotonicNanoseconds
        for (buffer, member) in members {
            if isGone(buffer) {
                members[buffer] = nil
                bufferevent_decref(buffer)
            } else if !member.isStreaming,
                now - member.sinceNanoseconds > UInt64(Limits.requestSeconds) * 1_000_000_000
            {
                end(buffer)
            }
        }
        let hasRoom = members.count < connectionsMax
        if !hasRoom { endOldest(connectionsMax / 4) }
        return hasRoom
    }

    /// Lets go of all, once evhttp has.
    func removeAll() {
        for buffer in members.keys { bufferevent_decref(buffer) }
        members = [:]
    }

    private func isGone(_ buffer: OpaquePointer) -> Bool {
        var argument: UnsafeMutableRawPointer?
        bufferevent_getcb(buffer, nil, nil, nil, &argument)
        return argument == nil
    }

    /// Ends those that have asked for nothing for longest.
    private func endOldest(_ count: Int) {
        let idle = members.filter { !$0.value.isStreaming && !isGone($0.key) }
        // Those that were told to, and are still there, are among them.
        for (buffer, _) in idle.sorted(by: { $0.value.sinceNanoseconds < $1.value.sinceNanoseconds }).prefix(count) {
            end(buffer)
        }
    }

    private func end(_ buffer: OpaquePointer) {
        let socket = bufferevent_getfd(buffer)
        if socket >= 0 { Sockets.shutDown(socket, .both) }
    }
}

@c func adminConnectionMade(_ base: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> OpaquePointer? {
    Unmanaged<AdminConnections>.fromOpaque(context!).takeUnretainedValue().make()
}

import CLibevent
import Glibc
import Platform

/// Taking connections.
extension EventLoop {
    fileprivate func accept(_ listener: Listener) {
        for _ in 0..<Limits.acceptsPerTurnMax {
            do throws(Errno) {
                let socket = try Sockets.accept(listener.socket.rawValue)
                add(socket, listener)
            } catch .resourceTemporarilyUnavailable, .invalidArgument {
                // Nobody waits, or the socket does not listen any more.
                return
            } catch .noBufferSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory {
                // The connection stays in the backlog: without a pause the loop would spin on it.
                areListenersPaused = true
                for event in listenerEvents { event_del(event) }
                return
            } catch {
                // The client gave up while it waited: the next one may not have.
                continue
            }
        }
    }

    private func add(_ socket: consuming OwnedDescriptor, _ listener: Listener) {
        guard connectionCount < connectionsMax else {
            counters.add(.connectionsRefused)
            let text: StaticString =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
            let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            _ = try? Sockets.send(socket.rawValue, bytes, more: false)
            return
        }
        let slot = freeSlots.popLast() ?? connections.count
        guard
            let connection = Connection(socket, loop: self, base: base, listener: listener, slot: slot)
        else {
            freeSlots.append(slot)
            return
        }
        if slot == connections.count { connections.append(connection) } else { connections[slot] = connection }
        connectionCount += 1
        counters.add(.connectionsAccepted)
    }
}

/// What a listener's event is given: alive as long as the event.
final class AcceptContext {
    unowned(unsafe) let loop: EventLoop
    let listener: Listener

    init(loop: EventLoop, listener: Listener) {
        self.loop = loop
        self.listener = listener
    }
}

@c func listenerReadable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    let accept = Unmanaged<AcceptContext>.fromOpaque(context!).takeUnretainedValue()
    accept.loop.accept(accept.listener)
}

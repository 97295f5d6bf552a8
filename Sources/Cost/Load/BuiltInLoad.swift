import Glibc
import Platform
import Synchronization

/// A load of keep-alive connections, on threads `load-0` and so on. Each connection has one request under way at any time, as
/// wrk's have, so that there is always work for the server. Any thread.
final class BuiltInLoad: Sendable {
    private let stopping = Atomic(false)
    private let failure = Guarded<CostFailure?>(nil)
    private let threads = Guarded<[NamedThread]>([])

    private static let bufferBytes = 256 << 10
    private static let pollMilliseconds: CInt = 50

    /// Makes all connections, so that a server that takes none is known of here, and starts asking.
    init(on target: LoadTarget) throws(CostFailure) {
        let count = max(min(target.threads, target.connections), 1)
        let requests = target.paths.map(LoadConnection.request)
        do throws(Errno) {
            for index in 0..<count {
                var connections: [LoadConnection] = []
                for number in stride(from: index, to: target.connections, by: count) {
                    connections.append(try LoadConnection(port: target.port, pathIndex: number % requests.count))
                }
                let share = LoadShare(connections: connections)
                let thread = try NamedThread("load-\(index)") { [self] in
                    do throws(CostFailure) {
                        try ask(share.connections, requests)
                    } catch {
                        failure.withLock { $0 = $0 ?? error }
                    }
                }
                threads.withLock { $0.append(thread) }
            }
        } catch {
            try? end()
            throw CostFailure("the load cannot be started: \(error)")
        }
    }

    /// Ends it and waits until it is gone.
    ///
    /// - Throws: when not every request was answered with 200.
    func end() throws(CostFailure) {
        stopping.store(true, ordering: .relaxed)
        for thread in threads.withLock({ threads in
            defer { threads = [] }
            return threads
        }) {
            thread.join()
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func ask(_ connections: [LoadConnection], _ requests: [[UInt8]]) throws(CostFailure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 64)
        defer { buffer.deallocate() }
        var waits = connections.map { pollfd(fd: $0.socket.rawValue, events: Int16(POLLIN), revents: 0) }
        var refused: Int?
        do throws(Errno) {
            for connection in connections { try connection.send(requests[connection.pathIndex]) }
            while refused == nil, !stopping.load(ordering: .relaxed) {
                guard poll(&waits, nfds_t(waits.count), Self.pollMilliseconds) > 0 else { continue }
                for index in waits.indices where waits[index].revents != 0 {
                    let connection = connections[index]
                    switch try connection.receive(into: buffer) {
                    case .incomplete: continue
                    case .malformed: throw Errno.badMessage
                    case .complete: break
                    }
                    if connection.reader.status != 200 { refused = connection.reader.status }
                    connection.pathIndex = (connection.pathIndex + 1) % requests.count
                    try connection.send(requests[connection.pathIndex])
                }
            }
        } catch {
            throw CostFailure("a request was not answered: \(error)")
        }
        if let refused { throw CostFailure("a request was answered \(refused)") }
    }
}

/// Connections on their way to the thread that has them from then on.
private struct LoadShare: @unchecked Sendable {
    let connections: [LoadConnection]
}

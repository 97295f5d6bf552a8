import Glibc
import Platform
import TestSupport

/// A server on a port of 127.0.0.1 that is no serverfs: to whatever it is asked it answers the same bytes.
final class CannedServer: Sendable {
    private let listener: OccupiedPort
    private let threads: ClientThreads

    var port: UInt16 { listener.port }

    init(_ answer: String) throws {
        let listener = try OccupiedPort()
        self.listener = listener
        threads = try ClientThreads(1) { _ in
            while true {
                // Until the socket does not listen any more.
                let client = accept(listener.rawDescriptor, nil, nil)
                if client < 0 { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                var request = [UInt8](repeating: 0, count: 4096)
                _ = recv(client, &request, request.count, 0)
                _ = send(client, answer, answer.utf8.count, CInt(MSG_NOSIGNAL))
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener.rawDescriptor, CInt(SHUT_RDWR))
        try? threads.join()
    }
}

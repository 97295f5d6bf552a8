import Glibc
import Platform
import TestSupport

extension Fault {
    /// One FUSE thread, and as many as there may be; and clients that take all the time they can.
    static let threads: [Fault] =
        [1, 64].map { count in
            Fault("\(count) FUSE thread\(count == 1 ? "" : "s"), load, and the mount lost", times: (1, 5)) { trial in
                let server = try trial.serve(Trial.uncached + ["--fuse-threads", "\(count)"])
                try trial.load()
                trial.expectServiceBack()
                trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
            }
        } + [
            Fault("1 FUSE thread, SIGKILL", times: (1, 10)) { trial in
                let server = try trial.serve(Trial.uncached + ["--fuse-threads", "1"])
                try trial.load()
                trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
            },
            Fault("1,000 connections that read one byte a second", times: (1, 3)) { trial in
                try trial.serve()
                try trial.expectSlowClientsToHoldUpNobody(1000)
            },
        ]
}

extension Trial {
    fileprivate func expectSlowClientsToHoldUpNobody(_ count: Int) throws {
        guard let server else { return }
        _ = try DescriptorLimit.raise()
        try writeFile(Array("\(docroot)/long".utf8), Content.bytes("long", size: 10_000_000))
        let before = ProcessFacts.descriptorCount(server.identifier)
        var slow: [ClientSocket] = []
        for index in 0..<count {
            let socket = try ClientSocket(port: server.ports[index % 2], receiveBufferBytes: 2048)
            try socket.send(HTTPConnection.request("/long"))
            slow.append(socket)
        }
        let clients = try CheckingClients(ports: server.ports, limitSeconds: Self.clientLimitSeconds)
        var received = [Int](repeating: 0, count: count)
        for second in 0..<(SuiteForm.asked == .full ? 10 : 2) {
            let next = Deadline(seconds: 1)
            for (index, socket) in slow.enumerated() {
                receiveByte(socket, at: &received[index], second)
            }
            // Not a fault that is over: others are served beside them.
            expectServiceBack(within: 3)
            while !next.hasPassed { usleep(10_000) }
        }
        let tally = try clients.stop()
        add(tally)
        expect(tally.right > 50, "only \(tally.right) answers for others")
        slow = []
        // The rest are files kept open: every one of them by either worker, on both ways, and by the proxy.
        let areClosed = eventually(seconds: 5) { ProcessFacts.descriptorCount(server.identifier) < before + 300 }
        expect(areClosed, "\(ProcessFacts.descriptorCount(server.identifier)) descriptors are still open")
    }

    /// Takes one byte of a response, which is there or comes; of its status line, in these few seconds.
    private func receiveByte(_ socket: ClientSocket, at position: inout Int, _ second: Int) {
        let expected = Array("HTTP/1.1 200".utf8)
        var byte: [UInt8] = [0]
        do {
            let count = try byte.withUnsafeMutableBytes { try socket.receive(into: $0) }
            if count == 0 {
                fail("a slow connection was closed after \(second) s")
            } else if byte[0] != expected[position] {
                add(Tally(wrong: 1, complaint: "another byte on a slow connection"))
            }
            position += 1
        } catch ClientFailure.timedOut {
            hang("a slow connection got nothing after \(second) s")
        } catch {
            fail("a slow connection broke after \(second) s: \(error)")
        }
    }
}

import Glibc
import Platform
import TestSupport

extension Fault {
    /// The docroot is on another FUSE file system, whose daemon stops or dies.
    static let backings: [Fault] = [
        Fault("docroot's FUSE daemon stopped, then continued", times: (1, 5), hardLimitSeconds: 60) { trial in
            let (daemon, docroot) = try trial.backing()
            try trial.serve(["--workers", "1", "--stall-timeout", "1"], docroot: docroot)
            try trial.expectOnlyStuckRequestsToWait(daemon, docroot)
        },
        Fault("docroot's FUSE daemon stopped, without caches", times: (1, 5), hardLimitSeconds: 60) { trial in
            let (daemon, docroot) = try trial.backing()
            try trial.serve(Trial.uncached + ["--workers", "1", "--stall-timeout", "1"], docroot: docroot)
            try trial.expectOnlyStuckRequestsToWait(daemon, docroot)
        },
        Fault("docroot's FUSE daemon stopped in the middle of a body", times: (1, 5), hardLimitSeconds: 60) { trial in
            let (daemon, docroot) = try trial.backing()
            let server = try trial.serve(["--workers", "1", "--stall-timeout", "1"], docroot: docroot)
            try trial.expectTheBodyToEnd(server, daemon)
        },
        Fault("docroot's FUSE daemon stopped, SIGTERM", times: (1, 5)) { trial in
            let (daemon, docroot) = try trial.backing()
            let server = try trial.serve(Trial.uncached, docroot: docroot)
            try trial.load()
            daemon.freeze()
            usleep(500_000)
            // Threads whose requests the stopped daemon has read cannot die before it goes on.
            server.signal(SIGTERM)
            usleep(1_000_000)
            daemon.signal(SIGCONT)
            trial.expectGone(nil) {}
        },
        Fault("docroot's FUSE daemon killed", times: (1, 5)) { trial in
            let (daemon, docroot) = try trial.backing()
            let server = try trial.serve(docroot: docroot)
            try trial.load()
            daemon.signal(SIGKILL)
            trial.expect(daemon.process.wait(seconds: 5) == .signaled(SIGKILL), "the daemon is not gone")
            usleep(500_000)
            // Files and pieces that the kernel has cached are still sent, rightly, and end where the rest is missing;
            // nothing may wait.
            for port in server.ports {
                for name in Content.names {
                    var client = CheckingClient(port: port, limitSeconds: 2)
                    client.fetch(name)
                    trial.add(client.tally)
                }
            }
        },
    ]
}

extension Trial {
    /// The file that is in the kernel's cache when the daemon stops, and those that are not.
    private static let hot = Content.names[3]
    private static let cold = Content.names.suffix(4)

    /// A second serverfs whose mount is the docroot: its daemon can be stopped.
    fileprivate func backing() throws -> (daemon: ServerProcess, docroot: String) {
        let mountPoint = try folder.makeFolder("backing")
        let daemon = try ServerProcess(
            ["mount", docroot, mountPoint, "--fuse-cache", "timeout=1000", "--fuse-stall-timeout", "off"])
        take(daemon)
        undo { daemon.signal(SIGCONT) }
        // What has just changed is asked for again, whatever is kept of it.
        waitUntilSettled()
        return (daemon, mountPoint)
    }

    /// With the daemon stopped, files it has yet to be asked for get 504 within the time-out; others go on, on the same loop.
    fileprivate func expectOnlyStuckRequestsToWait(_ daemon: ServerProcess, _ docroot: String) throws {
        guard let server else { return }
        for port in server.ports { _ = try HTTPConnection.fetch(port, "/\(Self.hot)") }
        let kept = try PinnedFile("\(docroot)/\(Self.hot)")
        let stuckRequests = "serverfs_http_stuck_requests_total"
        let before = try server.metrics()[stuckRequests]
        daemon.freeze()
        let ports = server.ports
        let count = Self.cold.count * 2
        let answers = SharedList<(name: String, status: Int, seconds: Double)>()
        // One, from when all are stuck: the loop loses one thread after the other.
        let stopwatches = SharedList<Stopwatch>()
        let stuck = try ClientThreads(count) { index in
            let name = Array(Self.cold)[index / 2]
            let answer = try? HTTPConnection(port: ports[index % 2], timeoutSeconds: 10).exchange("/\(name)")
            answers.append((name, answer?.status ?? 0, stopwatches.all.first?.seconds ?? 0))
        }
        let areStuck = try eventually(seconds: 5) { try server.metrics()[stuckRequests] >= before + UInt64(count) }
        stopwatches.append(Stopwatch())
        expect(areStuck, "not all of \(count) requests were stuck within 5 s")
        var clients = ports.map { CheckingClient(port: $0, limitSeconds: 1) }
        let deadline = Deadline(seconds: 2.5)
        while !deadline.hasPassed { for index in clients.indices { clients[index].fetch(Self.hot) } }
        for (index, client) in clients.enumerated() {
            add(client.tally)
            let way = index == 0 ? "mount" : "bypass"
            expect(client.tally.right > 10, "only \(client.tally.right) other answers by the \(way) meanwhile")
            expect(client.tally.refused.isEmpty, "others were refused by the \(way): \(client.tally.refused)")
        }
        withExtendedLifetime(kept) {}
        try stuck.join()
        for answer in answers.all {
            let text = "a stuck request for \(answer.name) was answered \(answer.status) after \(answer.seconds) s"
            if answer.seconds > 7 { hang(text) }
            expect(answer.status == 504 && answer.seconds < 2.5, text)
        }
        daemon.signal(SIGCONT)
        expectServiceBack()
        let stuckThreads = ledger.stuckThreads()
        if !stuckThreads.isEmpty { hang("in state D: \(stuckThreads.sorted())") }
    }

    /// A response stuck in its middle is closed; what had come is the file's.
    fileprivate func expectTheBodyToEnd(_ server: ServerProcess, _ daemon: ServerProcess) throws {
        let whole = Content.bytes("long", size: 40_000_000)
        try writeFile(Array("\(docroot)/long".utf8), whole)
        for port in server.ports {
            let connection = try HTTPConnection(port: port, receiveBufferBytes: 16384, timeoutSeconds: 8)
            try connection.socket.send(HTTPConnection.request("/long"))
            let head = try connection.receiveHead()
            expect(head.contentLength == whole.count, "the head says \(head.status)")
            daemon.freeze()
            let stopwatch = Stopwatch()
            var (count, isRight) = (0, true)
            do {
                _ = try connection.receiveRest { piece in
                    isRight =
                        isRight
                        && whole.withUnsafeBytes {
                            memcmp($0.baseAddress! + count, piece.baseAddress!, piece.count) == 0
                        }
                    count += piece.count
                }
                let seconds = stopwatch.seconds
                expect(seconds < 4, "the stuck response was closed after \(seconds) s")
                expect(count < whole.count, "the response was complete: nothing was stuck")
            } catch {
                hang("the stuck response neither went on nor was closed: \(error), \(count) bytes")
            }
            if !isRight { add(Tally(wrong: 1, complaint: "other bytes in a body that was broken off")) }
            daemon.signal(SIGCONT)
            expectServiceBack()
        }
    }
}

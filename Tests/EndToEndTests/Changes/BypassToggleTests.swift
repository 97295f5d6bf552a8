import Glibc
import Testing

extension EndToEnd {
    /// SIGUSR2 turns the bypass of the `--listen` sockets over, from the next request on.
    @Suite(.timeLimit(.minutes(1)))
    struct BypassToggleTests {
        private let site: Site

        init() throws {
            site = try Site(["file": "file"])
            for index in 0..<100 { try site.write("\(index)", RandomBytes.make(index * 311, from: index)) }
            try site.write("large", RandomBytes.make(60_000_000))
        }

        @Test func noConnectionIsDroppedUnderLoad() throws {
            let site = site
            let done = SharedFlag()
            let clients = try ClientThreads(4) { client in
                let connection = try site.connect(.mount)
                var index = client
                while !done.isSet {
                    index = (index + 1) % 100
                    guard try connection.exchange("/\(index)").body == RandomBytes.make(index * 311, from: index)
                    else { throw ClientFailure.mismatch("another body of \(index)") }
                }
            }
            let slow = try ClientThreads(1) { _ in
                let connection = try site.connect(.mount, receiveBufferBytes: 65536)
                try compareStream(connection, "large", size: 60_000_000, in: site.docroot)
            }
            for round in 0..<6 {
                let (moving, still): (Via, Via) = round % 2 == 0 ? (.mount, .bypass) : (.bypass, .mount)
                // What was under way when it was turned over may still be counted.
                let isTurned = try eventually(seconds: 5) {
                    let before = try site.server.metrics()
                    usleep(300_000)
                    let after = try site.server.metrics()
                    return after.requests(via: moving.rawValue) > before.requests(via: moving.rawValue)
                        && after.requests(via: still.rawValue) == before.requests(via: still.rawValue)
                }
                #expect(isTurned, "round \(round)")
                try site.server.toggleBypass()
            }
            done.set()
            try clients.join()
            try slow.join()
            let metrics = try site.server.metrics()
            #expect(metrics["serverfs_http_connections_total{outcome=\"accepted\"}"] == 5)
        }

        @Test func theBypassListenerIsNotTurnedOver() throws {
            let connection = try site.connect(.bypass)
            let before = try site.server.metrics()
            for _ in 0..<4 {
                #expect(try connection.exchange("/file").bodyText == "file")
                try site.server.toggleBypass()
            }
            let after = try site.server.metrics()
            #expect(after.requests(via: "bypass") == before.requests(via: "bypass") + 4)
            #expect(after.requests(via: "mount") == before.requests(via: "mount"))
        }

        @Test func itSaysWhatItIsNow() throws {
            try site.server.toggleBypass()
            #expect(site.server.process.errorOutput.hasSuffix("serverfs: bypass on: reading the docroot directly\n"))
            try site.server.toggleBypass()
            #expect(site.server.process.errorOutput.hasSuffix("serverfs: bypass off: reading through the mount\n"))
        }

        @Test func withoutAMountThereIsNothingToTurnOver() throws {
            let server = try ServerProcess([site.docroot, "--listen", "127.0.0.1:0", "--bypass"])
            try server.toggleBypass()
            #expect(server.process.errorOutput == "serverfs: no bypass to toggle\n")
            #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "file")
        }
    }
}

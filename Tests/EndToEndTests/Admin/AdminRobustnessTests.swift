import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// The admin side when it is needed: while everything else is stuck, exhausted, or ends.
    @Suite(.timeLimit(.minutes(3)))
    struct AdminRobustnessTests {
        /// Every question there is, each answered within a second.
        private func expectAnswers(_ admin: AdminClient, sourceLocation: SourceLocation = #_sourceLocation) throws {
            for (path, method, body) in [
                ("/healthz", "GET", nil), ("/status", "GET", nil), ("/metrics", "GET", nil), ("/", "GET", nil),
                ("/bypass", "PUT", "on"), ("/bypass", "PUT", "off"), ("/telemetry", "PUT", "on"),
            ] {
                var response = HTTPResponse?.none
                let time = try seconds { response = try admin.fetch(path, method: method, body: body) }
                #expect(response?.status == 200, "\(path)", sourceLocation: sourceLocation)
                #expect(time < 1, "\(path)", sourceLocation: sourceLocation)
            }
        }

        @Test func itAnswersWhileEveryOtherThreadIsStuck() throws {
            let folder = try PrivateFolder()
            var files: [String: [UInt8]] = [:]
            for index in 0..<400 { files["cold\(index)"] = Array("cold".utf8) }
            let docroot = try StallingFolder(files, in: folder)
            let server = try ServerProcess.serving(
                docroot.path,
                [
                    "--admin", "127.0.0.1:0", "--stall-timeout", "60", "--fuse-stall-timeout", "off",
                    "--fuse-open", "per-open",
                ])
            let admin = AdminClient(port: server.adminPort)
            try docroot.stall()
            // More than the loops may lose threads to, on both ways: nobody is left to serve.
            var stuck: [HTTPConnection] = []
            for index in 0..<400 {
                let connection = try HTTPConnection(port: server.ports[index % 2])
                try connection.socket.send(HTTPConnection.request("/cold\(index)"))
                stuck.append(connection)
            }
            usleep(500_000)
            try expectAnswers(admin)
            let status = try JSONObject(admin.fetch("/status").body)
            #expect(status.number("http.stuckRequests") >= 2)
            #expect(try admin.fetch("/trace?seconds=0.2", method: "POST").status == 200)
            docroot.resume()
            withExtendedLifetime(stuck) {}
        }

        /// Those given up are among the stuck ones, and so in a family, and a figure, of their own.
        @Test func whatIsStuckAndWhatIsGivenUpAreToldApart() throws {
            let folder = try PrivateFolder()
            let docroot = try StallingFolder(
                ["warm": Array("warm".utf8), "a": [1], "b": [2], "c": [3]], in: folder)
            let server = try ServerProcess.serving(docroot.path, ["--admin", "127.0.0.1:0", "--stall-timeout", "3"])
            let admin = AdminClient(port: server.adminPort)
            func fetchMetrics() throws -> Metrics { Metrics(try admin.fetch("/metrics").bodyText) }
            func expectCounts(stuck: UInt64, givenUp: UInt64) throws {
                let metrics = try fetchMetrics()
                #expect(metrics["serverfs_http_stuck_requests_total"] == stuck)
                #expect(metrics["serverfs_http_stuck_requests_given_up_total"] == givenUp)
                // Nothing else is in the first family: its sum is the count of stuck requests.
                #expect(metrics.sum("serverfs_http_stuck_requests_total") == Double(stuck))
                let status = try JSONObject(admin.fetch("/status").body)
                #expect(status.number("http.stuckRequests") == Double(stuck))
                #expect(status.number("http.stuckRequestsGivenUp") == Double(givenUp))
            }
            func ask(_ targets: String...) throws -> [HTTPConnection] {
                try targets.map { target in
                    let connection = try HTTPConnection(port: server.bypassPort)
                    try connection.socket.send(HTTPConnection.request(target))
                    return connection
                }
            }
            try docroot.stall()
            let slow = try ask("/a", "/b")
            let areStuck = try eventually(seconds: 2) {
                try fetchMetrics()["serverfs_http_stuck_requests_total"] == 2
            }
            #expect(areStuck)
            try expectCounts(stuck: 2, givenUp: 0)
            docroot.resume()
            for connection in slow { #expect(try connection.receiveResponse().status == 200) }
            // A slow send is stuck as well, until it is over and written down.
            let areOver = try eventually(seconds: 5) {
                try fetchMetrics()["serverfs_http_request_duration_seconds_count{via=\"bypass\"}"] == 2
            }
            #expect(areOver)
            let before = try fetchMetrics()["serverfs_http_stuck_requests_total"]
            try docroot.stall()
            for connection in try ask("/c") { #expect(try connection.receiveResponse().status == 504) }
            try expectCounts(stuck: before + 1, givenUp: 1)
            docroot.resume()
        }

        /// As many clients as there may be, each in the middle of a file of its own, and more who are refused.
        @Test func itAnswersWhenTheServersDescriptorsAreAllTaken() throws {
            let names = (0..<100).map { "file\($0)" }
            let site = try AdminSite(
                Dictionary(uniqueKeysWithValues: names.map { ($0, "x") }), prefix: ["prlimit", "--nofile=256:256"])
            for name in names { #expect(truncate("\(site.site.docroot)/\(name)", 8 << 20) == 0) }
            let clients = try (0..<300).map { _ in
                try HTTPConnection(port: site.server.port, receiveBufferBytes: 4096)
            }
            for (index, client) in clients.enumerated() {
                try? client.socket.send(HTTPConnection.request("/\(names[index % names.count])"))
            }
            let isFull = try eventually(seconds: 5) { try site.status().number("http.connections.refused") > 100 }
            #expect(isFull)
            #expect(ProcessFacts.descriptorCount(site.server.identifier) > 80)
            try expectAnswers(site.admin)
            // Fewer than with more descriptors, and still not all of its connections.
            let streams = try (0..<4).map { _ in try site.admin.stream("/events") }
            #expect(try site.admin.fetch("/events").status == 503)
            #expect(try site.admin.fetch("/trace?seconds=0.2", method: "POST").status == 200)
            let threads = try site.status()["threads"] as? [Any]
            #expect((threads?.count ?? 0) >= 6)
            withExtendedLifetime((clients, streams)) {}
        }

        /// Who holds all its connections does not keep others out, nor takes descriptors without end.
        @Test func aFloodOfIdleConnectionsKeepsNobodyOut() throws {
            let site = try AdminSite()
            let before = ProcessFacts.descriptorCount(site.server.identifier)
            var idle: [ClientSocket] = []
            for _ in 0..<500 {
                idle.append(try ClientSocket(port: site.server.adminPort))
                if idle.count.isMultiple(of: 50) {
                    #expect(ProcessFacts.descriptorCount(site.server.identifier) <= before + 40)
                }
            }
            for _ in 1...5 { try expectAnswers(site.admin) }
            #expect(ProcessFacts.descriptorCount(site.server.identifier) <= before + 40)
            idle.removeAll()
            let isFree = eventually(seconds: 5) { ProcessFacts.descriptorCount(site.server.identifier) <= before + 2 }
            #expect(isFree)
        }

        /// A stream says something once a second; who asks for nothing, or for too long, is closed.
        @Test func onlyStreamsMayStayForLong() throws {
            let site = try AdminSite()
            let stream = try site.admin.open("/events")
            let idle = try ClientSocket(port: site.server.adminPort)
            let slow = try ClientSocket(port: site.server.adminPort)
            let half = try ClientSocket(port: site.server.adminPort)
            try half.send("GET /healthz HTTP/1.1\r\n")
            let deadline = Deadline(seconds: 33)
            var text = ""
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
            defer { buffer.deallocate() }
            while !deadline.hasPassed {
                // A byte a second, so that it is never idle.
                try? slow.send("G")
                let count = try stream.receive(into: buffer)
                try #require(count > 0)
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            #expect(text.components(separatedBy: "event: status").count > 25)
            for socket in [idle, half, slow] { #expect(socket.isClosed(withinSeconds: 3)) }
            #expect(try site.admin.fetch("/healthz").status == 200)
        }

        /// Whoever sends garbage gets an answer or the end, and nobody else notices.
        @Test func garbageIsNoHarm() throws {
            let site = try AdminSite()
            for text in [
                "\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                "GET / HTTP/1.1\r\nHost\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: \u{1}\r\n\r\n", "PUT /bypass HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                "PUT /bypass HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "PUT /bypass HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "1", count: 100_000),
                "GET /" + String(repeating: "x", count: 100_000), String(repeating: "x", count: 100_000),
                "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 20_000),
                "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
            ] {
                let socket = try ClientSocket(port: site.server.adminPort, timeoutSeconds: 1)
                try? socket.send(text)
                socket.shutdownSending()
                _ = try? socket.receiveAll()
            }
            #expect(try site.admin.fetch("/healthz").status == 200)
            #expect(site.server.stop(seconds: 2) == .exited(0))
            #expect(site.server.process.errorOutput.isEmpty)
        }

        @Test func theEndDoesNotWaitForStreams() throws {
            let site = try AdminSite()
            let streams = try (0..<3).map { _ in try site.admin.stream("/events") }
            let trace = try site.admin.open("/trace?seconds=60", method: "POST")
            let isRecording = try eventually(seconds: 5) { try site.status()["recordingTrace"] as? Bool == true }
            #expect(isRecording)
            let time = seconds { #expect(site.server.stop(seconds: 5) == .exited(0)) }
            #expect(time < 2)
            for socket in streams + [trace] { _ = try? socket.receiveAll() }
            #expect(site.server.leftovers.isEmpty)
        }

        @Test(.enabled(if: Capability.isRoot, "a network namespace of its own needs root"))
        func aTakenUsualPortIsDoneWithoutAndAChosenOneIsNot() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let options = [docroot, "--listen", "127.0.0.1:0"]
            let first = try ServerProcess(options, prefix: ["unshare", "-n"], choosesAdmin: true)
            #expect(first.bannerValue("admin") == "http://127.0.0.1:9180/")
            #expect(first.bannerValue("unavailable")?.contains("admin") == false)
            let within = ["nsenter", "-t", "\(first.identifier)", "-n"]
            let second = try ServerProcess(options, prefix: within, choosesAdmin: true)
            #expect(second.bannerValue("admin") == "none")
            let missing = second.bannerValue("unavailable")
            #expect(missing?.contains("admin: cannot listen on 127.0.0.1:9180: Address already in use") == true)
            try FailedStart(options + ["--admin", "127.0.0.1:9180"], in: folder, prefix: within)
                .expectRefusal("cannot listen on 127.0.0.1:9180", "Address already in use")
            #expect(first.stop() == .exited(0))
        }

        @Test(.enabled(if: Capability.isRoot, "only root may unmount by force"), arguments: ["bypass", "503"])
        func aLostMountIsSaid(_ policy: String) throws {
            let folder = try PrivateFolder()
            let mountPoint = try folder.makeFolder("mount")
            let site = try AdminSite(options: ["--mount-point", mountPoint, "--on-mount-loss", policy])
            // Beneath the mount, where it shows once that is gone: nothing can be mounted there again.
            let beneath = try folder.makeFolder("beneath")
            #expect(ChildProcess.run(["mount", "--bind", folder.path, beneath]) == .exited(0))
            try folder.write("beneath/mount/in-the-way", "x")
            #expect(ChildProcess.run(["umount", beneath]) == .exited(0))
            #expect(ChildProcess.run(["umount", "-l", mountPoint]) == .exited(0))
            let isSaid = try eventually(seconds: 5) { try site.status()["degraded"] as? Bool == true }
            #expect(isSaid)
            #expect(try site.status()["mounted"] as? Bool == false)
            #expect(try site.status().number("mountLosses") == 1)
            #expect(try site.admin.fetch("/healthz").status == (policy == "503" ? 503 : 200))
            // What is bypassed is served in any case.
            #expect(try site.admin.fetch("/bypass", method: "PUT", body: "on").status == 200)
            #expect(try site.admin.fetch("/healthz").bodyText.hasPrefix("degraded"))
            unlink("\(mountPoint)/in-the-way")
            let isBack = try eventually(seconds: 10) { try site.admin.fetch("/healthz").bodyText == "ok\n" }
            #expect(isBack)
        }
    }
}

import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// Traces by the admin side. What is in them is tested with the recorder.
    @Suite(.timeLimit(.minutes(2)))
    struct AdminTraceTests {
        @Test func aTraceIsAnsweredWhenItIsDone() throws {
            let site = try AdminSite()
            for target in ["/trace?seconds=0.5", "/trace?seconds=1&sample=10"] {
                let stopwatch = Stopwatch()
                let response = try site.admin.fetch(target, method: "POST")
                #expect(stopwatch.wallSeconds >= 0.5)
                #expect(stopwatch.seconds <= 8)
                #expect(response.status == 200)
                #expect(response["Content-Type"] == "application/json")
                #expect(try traceEvents(response.body) > 0)
            }
            try site.expectNoTrace()
        }

        /// Its time limits were those of a stream.
        @Test func aConnectionThatHadATraceIsClosed() throws {
            let site = try AdminSite()
            let connection = try HTTPConnection(port: site.server.adminPort)
            try connection.socket.send(site.admin.request("/trace?seconds=0.2", method: "POST"))
            #expect(try connection.receiveHead()["Connection"] == "close")
            #expect(try connection.receiveRest { _ in } > 0)
        }

        @Test(arguments: [
            "", "?seconds=", "?seconds=0", "?seconds=-1", "?seconds=601", "?seconds=nan", "?seconds=inf",
            "?seconds=x", "?sample=1", "?seconds=1&sample=0", "?seconds=1&sample=-1", "?seconds=1&sample=x",
            "?seconds=1&sample=99999999999999999999", "?seconds=1&seconds=1", "?seconds=1&more=1",
        ])
        func numbersThatMakeNoSenseAreRefused(_ query: String) throws {
            let site = try AdminSite()
            #expect(try site.admin.fetch("/trace\(query)", method: "POST").status == 400)
            #expect(try site.status()["recordingTrace"] as? Bool == false)
        }

        @Test func oneTraceIsTakenAtATime() throws {
            let site = try AdminSite()
            let first = try site.admin.open("/trace?seconds=60", method: "POST")
            let isRecording = try eventually(seconds: 5) { try site.status()["recordingTrace"] as? Bool == true }
            #expect(isRecording)
            #expect(try site.admin.fetch("/trace?seconds=1", method: "POST").status == 409)
            // Its client goes, and so does the trace.
            withExtendedLifetime(first) {}
            _ = consume first
            try site.expectNoTrace()
            #expect(try site.admin.fetch("/trace?seconds=0.2", method: "POST").status == 200)
        }

        /// Its thread has written all of it, the last part of it is still in the pipe, and then its client goes: that ends it, and
        /// nothing of it is touched when the server ends.
        @Test func aClientThatGoesWhenAllIsWrittenEndsTheTrace() throws {
            let site = try AdminSite(["file": "bytes"], options: ["--profile", "seed"])
            for pause in stride(from: UInt32(0), to: 400_000, by: 50_000) {
                let done = SharedFlag()
                let load = try ClientThreads(2) { _ in
                    let connection = try site.site.connect(.mount)
                    while !done.isSet { _ = try connection.exchange("/file") }
                }
                // What it does not take fills its socket, then evhttp's buffer, then the pipe.
                let client = try ClientSocket(port: site.server.adminPort, receiveBufferBytes: 4096)
                try client.send(site.admin.request("/trace?seconds=0.3", method: "POST"))
                usleep(400_000 + pause)
                done.set()
                try load.join()
                withExtendedLifetime(client) {}
                _ = consume client
                try site.expectNoTrace()
            }
            #expect(try site.admin.fetch("/trace?seconds=0.2", method: "POST").status == 200)
            #expect(site.server.stop() == .exited(0))
        }

        @Test func aTraceFromTheStartIsTheOnlyOne() throws {
            let folder = try PrivateFolder()
            let site = try AdminSite(options: ["--trace-file", "\(folder.path)/trace.json"])
            #expect(try site.status()["recordingTrace"] as? Bool == true)
            let response = try site.admin.fetch("/trace?seconds=1", method: "POST")
            #expect(response.status == 409)
            #expect(response.bodyText.contains("--trace-file"))
            #expect(site.server.stop() == .exited(0))
            #expect(try traceEvents(readFile(Array("\(folder.path)/trace.json".utf8))) > 0)
        }

        /// When its buffers are full it is written, and others may be taken.
        @Test(.timeLimit(.minutes(6)))
        func aTraceFromTheStartThatIsFullMakesWay() throws {
            let folder = try PrivateFolder()
            let path = "\(folder.path)/trace.json"
            let site = try AdminSite(options: ["--profile", "seed", "--workers", "1", "--trace-file", path])
            let done = SharedFlag()
            let load = try ClientThreads(4) { _ in
                let connection = try site.site.connect(.mount)
                while !done.isSet { _ = try connection.exchange("/file") }
            }
            defer { done.set() }
            let isOver = try eventually(seconds: 240) { try site.status()["recordingTrace"] as? Bool == false }
            #expect(isOver)
            // Said once it is over.
            let isSaid = eventually(seconds: 5) {
                site.server.process.errorOutput.contains("the trace is written to \(path)")
            }
            #expect(isSaid)
            #expect(try traceEvents(readFile(Array(path.utf8))) > 10_000)
            let response = try site.admin.fetch("/trace?seconds=0.2&sample=100", method: "POST")
            #expect(response.status == 200)
            #expect(try traceEvents(response.body) > 0)
            done.set()
            try load.join()
            #expect(site.server.stop() == .exited(0))
        }

        /// A pipe without a reader would keep the start waiting for ever, and one with a reader perhaps the end.
        @Test(arguments: ["serve", "mount"])
        func aTraceFromTheStartGoesIntoARegularFile(_ command: String) throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            let options =
                command == "mount"
                ? ["mount", docroot, mountPoint] : [docroot, "--listen", "127.0.0.1:0", "--admin", "off"]
            #expect(mkfifo("\(folder.path)/fifo", 0o600) == 0)
            symlink("fifo", "\(folder.path)/link")
            for (path, word) in [
                ("\(folder.path)/fifo", "a pipe"), ("\(folder.path)/link", "a pipe"), (docroot, "a folder"),
                ("/dev/null", "a device"), ("/dev/stdout", "the standard output"),
                ("\(folder.path)/no/file", "No such file"),
            ] {
                try FailedStart(options + ["--trace-file", path], in: folder)
                    .expectRefusal("--trace-file \(path): ", word)
            }
        }

        // MARK: - Who takes it

        /// A trace of some megabytes, begun by a client whose socket takes little.
        private func beginLargeTrace(_ site: AdminSite) throws -> ClientSocket {
            let done = SharedFlag()
            let load = try ClientThreads(4) { _ in
                let connection = try site.site.connect(.mount)
                while !done.isSet { _ = try connection.exchange("/file") }
            }
            let client = try ClientSocket(port: site.server.adminPort, receiveBufferBytes: 4096)
            try client.send(site.admin.request("/trace?seconds=2&sample=1", method: "POST"))
            usleep(2_500_000)
            done.set()
            try load.join()
            return client
        }

        /// Nobody may keep others from their traces by taking one byte after the other, or none.
        @Test(arguments: [0, 512])
        func aClientThatTakesNextToNothingIsCutOff(_ bytesASecond: Int) throws {
            let site = try AdminSite(options: ["--profile", "seed", "--workers", "1"])
            let client = try beginLargeTrace(site)
            #expect(try site.admin.fetch("/trace?seconds=0.1", method: "POST").status == 409)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytesASecond, 1), alignment: 16)
            defer { buffer.deallocate() }
            let stopwatch = Stopwatch()
            let isFree = try eventually(seconds: 60) {
                if bytesASecond > 0 { _ = try client.receive(into: buffer) }
                usleep(1_000_000)
                return try site.status()["recordingTrace"] as? Bool == false
            }
            #expect(isFree)
            #expect(stopwatch.wallSeconds >= 5)
            #expect(stopwatch.seconds < 25)
            #expect(try site.admin.fetch("/trace?seconds=0.1", method: "POST").status == 200)
            // It was cut off: the chunk that would end it has not come.
            let rest = try client.receiveAll()
            #expect(!String(decoding: rest.suffix(7), as: UTF8.self).hasSuffix("\r\n0\r\n\r\n"))
            #expect(site.server.stop() == .exited(0))
        }

        /// Slow, but not for nothing: it gets all of it, though that takes longer than the time limit.
        @Test func aSlowClientGetsAllOfIt() throws {
            let site = try AdminSite(options: ["--profile", "seed", "--workers", "1"])
            let client = try beginLargeTrace(site)
            var count = 0
            var end: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 100_000)
            let stopwatch = Stopwatch()
            while true {
                let received = try chunk.withUnsafeMutableBytes { try client.receive(into: $0) }
                if received == 0 { break }
                count += received
                end = Array((end + chunk[..<received]).suffix(5))
                // About 100 kB a second for 15 seconds, and then as fast as it comes.
                if count < 1_500_000 { usleep(useconds_t(received * 10)) }
            }
            #expect(stopwatch.wallSeconds > 12)
            #expect(count > 1_500_000)
            #expect(String(decoding: end, as: UTF8.self) == "0\r\n\r\n")
            try site.expectNoTrace()
        }
    }
}

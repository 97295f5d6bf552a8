import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// Traces by the admin side, and `serverfs trace`. What is in them is tested with the recorder.
    @Suite(.timeLimit(.minutes(2)))
    struct AdminTraceTests {
        private func events(_ bytes: some Sequence<UInt8>) throws -> Int {
            try #require(try JSONObject(bytes)["traceEvents"] as? [Any]).count
        }

        private func expectNoTrace(_ site: AdminSite) throws {
            let isOver = try eventually(seconds: 5) { try site.status()["recordingTrace"] as? Bool == false }
            #expect(isOver)
        }

        @Test func aTraceIsAnsweredWhenItIsDone() throws {
            let site = try AdminSite()
            for target in ["/trace?seconds=0.5", "/trace?seconds=1&sample=10"] {
                var response = HTTPResponse?.none
                let time = try seconds { response = try site.admin.fetch(target, method: "POST") }
                #expect(response?.status == 200)
                #expect(response?["Content-Type"] == "application/json")
                #expect(try events(response?.body ?? []) > 0)
                #expect((0.5...8).contains(time))
            }
            try expectNoTrace(site)
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
            try expectNoTrace(site)
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
                try expectNoTrace(site)
            }
            #expect(try site.admin.fetch("/trace?seconds=0.2", method: "POST").status == 200)
            #expect(site.server.stop() == .exited(0))
        }

        @Test func aTraceFromTheStartIsTheOnlyOne() throws {
            let folder = try PrivateFolder()
            let site = try AdminSite(options: ["--trace-file", "\(folder.path)/trace.json"])
            #expect(try site.status()["recordingTrace"] as? Bool == true)
            #expect(try site.admin.fetch("/trace?seconds=1", method: "POST").status == 409)
            #expect(site.server.stop() == .exited(0))
            #expect(try events(readFile(Array("\(folder.path)/trace.json".utf8))) > 0)
        }

        // MARK: - The command

        private func trace(_ site: AdminSite?, _ arguments: [String], in folder: PrivateFolder) throws -> ChildProcess {
            let address = site.map { ["--admin", "127.0.0.1:\($0.server.adminPort)"] } ?? []
            return try ChildProcess([ServerProcess.binaryPath, "trace"] + address + arguments, in: folder)
        }

        @Test func theCommandWritesAFile() throws {
            let site = try AdminSite()
            let folder = try PrivateFolder()
            let path = "\(folder.path)/out.json"
            let command = try trace(site, ["--seconds", "0.5", "-o", path, "--sample", "2"], in: folder)
            #expect(command.wait(seconds: 20) == .exited(0))
            #expect(command.errorOutput.contains("ui.perfetto.dev"))
            #expect(try events(readFile(Array(path.utf8))) > 0)
            #expect(PrivateFolder.names(in: folder.path).filter { $0.contains(".part") } == [])

            let toOutput = try trace(site, ["--seconds", "0.2", "-o", "-"], in: folder)
            #expect(toOutput.wait(seconds: 20) == .exited(0))
            #expect(try events(toOutput.output.utf8) > 0)
            #expect(toOutput.errorOutput.isEmpty)
        }

        @Test func aTraceThatCannotBeTakenLeavesTheFileAsItWas() throws {
            let site = try AdminSite()
            let folder = try PrivateFolder()
            let path = try folder.write("out.json", "as it was")
            func expectRefusal(_ command: ChildProcess, _ word: String, _ status: CInt = 1) throws {
                #expect(command.wait(seconds: 20) == .exited(status))
                #expect(command.errorOutput.contains(word), "\(command.errorOutput)")
                #expect(try readFile(Array(path.utf8)) == Array("as it was".utf8))
                #expect(PrivateFolder.names(in: folder.path).filter { $0.contains(".part") } == [])
            }
            let nobody = ["--admin", "127.0.0.1:\(try OccupiedPort.findFree())", "-o", path]
            try expectRefusal(trace(nil, nobody, in: folder), "no serverfs answers")
            let web = ["--admin", "127.0.0.1:\(site.server.port)", "-o", path]
            try expectRefusal(trace(nil, web, in: folder), "answers 405")
            try expectRefusal(trace(site, ["--seconds", "0", "-o", path], in: folder), "--seconds", 64)
            try expectRefusal(trace(site, ["--sample", "0", "-o", path], in: folder), "--sample", 64)
            try expectRefusal(trace(site, ["-o", "\(folder.path)/no/out"], in: folder), "No such file or directory")

            let first = try site.admin.open("/trace?seconds=60", method: "POST")
            let isRecording = try eventually(seconds: 5) { try site.status()["recordingTrace"] as? Bool == true }
            #expect(isRecording)
            try expectRefusal(trace(site, ["-o", path], in: folder), "another trace is being taken")
            withExtendedLifetime(first) {}
        }

        @Test func aSignalOrTheServersEndLeavesNothing() throws {
            let site = try AdminSite()
            let folder = try PrivateFolder()
            func start() throws -> ChildProcess {
                let command = try trace(site, ["--seconds", "60", "-o", "\(folder.path)/out.json"], in: folder)
                let isRecording = try eventually(seconds: 5) { try site.status()["recordingTrace"] as? Bool == true }
                #expect(isRecording)
                return command
            }
            for signal in [SIGINT, SIGTERM] {
                let command = try start()
                command.signal(signal)
                #expect(command.wait(seconds: 5) == .exited(128 + signal))
                try expectNoTrace(site)
            }
            let command = try start()
            #expect(site.server.stop() == .exited(0))
            #expect(command.wait(seconds: 5) == .exited(1))
            #expect(command.errorOutput.contains("cut"))
            #expect(PrivateFolder.names(in: folder.path).filter { $0.hasPrefix("out") } == [])
        }

        @Test func theCommandKnowsTheToken() throws {
            let folder = try PrivateFolder()
            let token = try folder.write("token", "a-token_of-24~characters\n")
            let site = try AdminSite(options: ["--admin-token-file", token])
            let without = try trace(site, ["-o", "\(folder.path)/out"], in: folder)
            #expect(without.wait(seconds: 10) == .exited(1))
            #expect(without.errorOutput.contains("answers 401"))
            let with = try trace(site, ["--seconds", "0.2", "-o", "-", "--token-file", token], in: folder)
            #expect(with.wait(seconds: 10) == .exited(0))
        }
    }
}

import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// `serverfs trace`
    @Suite(.timeLimit(.minutes(2)))
    struct TraceCommandTests {
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
            #expect(try traceEvents(readFile(Array(path.utf8))) > 0)
            #expect(PrivateFolder.names(in: folder.path).filter { $0.contains(".part") } == [])

            let toOutput = try trace(site, ["--seconds", "0.2", "-o", "-"], in: folder)
            #expect(toOutput.wait(seconds: 20) == .exited(0))
            #expect(try traceEvents(toOutput.output.utf8) > 0)
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

        /// Any web server may answer with some page: that is no trace.
        @Test func anAnswerThatIsNoJSONIsNoTrace() throws {
            let folder = try PrivateFolder()
            for (fields, word) in [
                ("Content-Type: text/html; charset=utf-8\r\n", "text/html"), ("", "something"),
                ("Content-Type: text/json\r\n", "text/json"),
            ] {
                let server = try CannedServer("HTTP/1.1 200 OK\r\n\(fields)Content-Length: 2\r\n\r\n{}")
                let arguments = ["--admin", "127.0.0.1:\(server.port)"]
                let command = try trace(nil, arguments + ["-o", "\(folder.path)/out.json"], in: folder)
                #expect(command.wait(seconds: 20) == .exited(1))
                let said = command.errorOutput
                #expect(said.hasPrefix("serverfs: 127.0.0.1:\(server.port) is not the admin address of a serverfs"))
                #expect(said.contains("it answers with \(word), not with JSON"), "\(said)")
                #expect(PrivateFolder.names(in: folder.path).filter { $0.hasPrefix("out") } == [])
                let top = try ChildProcess([ServerProcess.binaryPath, "top"] + arguments, in: folder)
                #expect(top.wait(seconds: 20) == .exited(1))
                #expect(top.errorOutput.contains(" is not the admin address of a serverfs"))
            }
            let right = try CannedServer(
                "HTTP/1.1 200 OK\r\ncontent-type: Application/JSON;x=y\r\nContent-Length: 2\r\n\r\n{}")
            let command = try trace(
                nil, ["--admin", "127.0.0.1:\(right.port)", "-o", "\(folder.path)/out.json"], in: folder)
            #expect(command.wait(seconds: 20) == .exited(0))
            #expect(try readFile(Array("\(folder.path)/out.json".utf8)) == Array("{}".utf8))
        }

        /// What somebody has put at the name that it writes under is neither followed nor overwritten.
        @Test func aLinkInItsWayIsNotWrittenThrough() throws {
            let site = try AdminSite()
            let folder = try PrivateFolder()
            let path = "\(folder.path)/out.json"
            let precious = try folder.write("precious", "as it was")
            for link in ["ln -s '\(precious)'", "ln '\(precious)'", "ln -s '\(folder.path)/new'"] {
                // The shell's process becomes the command's.
                let script = "\(link) \(path).part-$$ && exec \"$@\""
                let command = try ChildProcess(
                    [
                        "sh", "-c", script, "sh", ServerProcess.binaryPath, "trace", "--seconds", "0.2", "--admin",
                        "127.0.0.1:\(site.server.adminPort)", "-o", path,
                    ], in: folder)
                #expect(command.wait(seconds: 20) == .exited(0), "\(command.errorOutput)")
                #expect(try readFile(Array(precious.utf8)) == Array("as it was".utf8))
                #expect(!folder.contains("new"))
                #expect(try traceEvents(readFile(Array(path.utf8))) > 0)
                var status = stat()
                #expect(lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
                unlink("\(path).part-\(command.identifier)")
                #expect(PrivateFolder.names(in: folder.path).filter { $0.contains(".part") } == [])
            }
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
                try site.expectNoTrace()
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

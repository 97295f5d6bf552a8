import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// `serverfs top`
    @Suite(.timeLimit(.minutes(2)))
    struct TopTests {
        private let folder: PrivateFolder
        private let site: AdminSite

        init() throws {
            folder = try PrivateFolder()
            site = try AdminSite(options: ["--fuse-open", "per-open", "--open-file-cache", "off"])
        }

        private var address: String { "127.0.0.1:\(site.server.adminPort)" }

        private func top(_ arguments: String...) throws -> ChildProcess {
            try ChildProcess([ServerProcess.binaryPath, "top", "--admin", address] + arguments, in: folder)
        }

        @Test func whereThereIsNoTerminalItPrintsLines() throws {
            let top = try top("--interval", "2", "--count", "3")
            let (site, isOver) = (site.site, SharedFlag())
            // By two threads: no interval is without a request because one of them has to wait.
            let load = try ClientThreads(2) { _ in
                let connections = try Via.allCases.map { try site.connect($0) }
                while !isOver.isSet {
                    for connection in connections {
                        let status = try connection.exchange("/file").status
                        guard status == 200 else { throw ClientFailure.mismatch("\(status)") }
                    }
                    usleep(1000)
                }
            }
            let status = top.wait(seconds: 30)
            isOver.set()
            try load.join()
            #expect(status == .exited(0))
            #expect(top.errorOutput.isEmpty)
            let lines = top.output.split(separator: "\n")
            #expect(lines.count == 3)
            for line in lines {
                #expect(line.hasPrefix("mount "))
                #expect(
                    line.contains("| bypass ") && line.contains("| FUSE ") && line.hasSuffix("| mounted"), "\(line)")
                #expect(!line.hasPrefix("mount 0 ") && !line.contains("FUSE 0 "), "\(line)")
                #expect(!line.contains("\u{1b}"))
            }
        }

        @Test func whoCannotBeAskedIsNamed() throws {
            let nobody = "127.0.0.1:\(try OccupiedPort.findFree())"
            let top = try ChildProcess([ServerProcess.binaryPath, "top", "--admin", nobody], in: folder)
            #expect(top.wait(seconds: 10) == .exited(1))
            #expect(top.errorOutput.contains("serverfs: no serverfs answers at \(nobody)"))
            for options in [["--interval", "0"], ["--interval", "x"], ["--count", "0"], ["--admin", "x"], ["more"]] {
                try FailedStart(["top"] + options, in: folder).expectUsageError()
            }
        }

        @Test func theServersEndIsItsEnd() throws {
            let top = try top("--interval", "0.1")
            let isShown = eventually(seconds: 5) { !top.output.isEmpty }
            #expect(isShown)
            #expect(site.server.stop() == .exited(0))
            #expect(top.wait(seconds: 15) == .exited(1))
            #expect(top.errorOutput.contains(address))
        }

        /// Runs commands on a terminal of their own (`script(1)`), at which nobody types.
        ///
        /// - Parameter body: what is done while they run.
        private func onTerminal(
            _ commands: String, while body: (ChildProcess) throws -> Void = { _ in }
        ) throws -> ChildProcess {
            var ends: [CInt] = [-1, -1]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            defer { for end in ends { close(end) } }
            let terminal = try ChildProcess(
                ["script", "-qec", commands, "/dev/null"], in: folder, standardInput: ends[0])
            try body(terminal)
            _ = terminal.wait(seconds: 20)
            return terminal
        }

        /// Commands that wait until a file is in `folder`.
        private func waiting(for name: String) -> String {
            "while [ ! -e '\(folder.path)/\(name)' ]; do sleep 0.05; done"
        }

        /// Waits until a whole page is shown: the terminal is taken by then.
        private func expectPage(on terminal: ChildProcess) {
            let isShown = eventually(seconds: 15) { terminal.output.contains("\u{1b}[J") }
            #expect(isShown)
        }

        /// The lines of each page that was shown.
        private func pages(on terminal: ChildProcess) -> [[String]] {
            terminal.output.components(separatedBy: "\u{1b}[H").dropFirst().map { page in
                page.replacingOccurrences(of: "\u{1b}[K", with: "").components(separatedBy: "\u{1b}[J")[0]
                    .components(separatedBy: "\r\n")
            }
        }

        private var command: String { "\(ServerProcess.binaryPath) top --admin \(address) --interval 0.2" }

        @Test(.enabled(if: Capability.isInstalled("script"), "script(1) is not installed"))
        func aTerminalGetsAPageAndIsLeftAsItWas() throws {
            for _ in 1...3 { #expect(try site.site.fetch(.mount, "/file").status == 200) }
            let terminal = try onTerminal("stty rows 40 cols 60; stty -a; \(command) --count 3; stty -a")
            #expect(terminal.wait(seconds: 0) == .exited(0))
            let text = terminal.output
            let parts = text.components(separatedBy: "\u{1b}[?1049h\u{1b}[?25l")
            try #require(parts.count == 2)
            let rest = parts[1].components(separatedBy: "\u{1b}[?25h\u{1b}[?1049l")
            try #require(rest.count == 2)
            #expect(parts[0].hasPrefix("speed") && parts[0] == rest[1])
            let pages = rest[0].components(separatedBy: "\u{1b}[H").dropFirst()
            #expect(pages.count == 3)
            for page in pages {
                let lines = page.replacingOccurrences(of: "\u{1b}[K", with: "").components(separatedBy: "\r\n")
                #expect(lines.count <= 40)
                #expect(lines.allSatisfy { $0.replacingOccurrences(of: "\u{1b}[J", with: "").count <= 60 })
                for word in ["serverfs ", "mounted", "requests/s", "mount ", "bypass ", "lookup", "http-0", "fuse-0"] {
                    #expect(page.contains(word), "\(word)")
                }
            }
        }

        /// Ctrl-Z and `fg`, typed into a shell that has jobs, at a terminal.
        @Test(.enabled(if: Capability.isInstalled("script"), "script(1) is not installed"))
        func stoppedItGivesTheTerminalBackAndGoesOnWithItsPage() throws {
            var ends: [CInt] = [-1, -1]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            defer { for end in ends { close(end) } }
            let settingUp = try folder.write("bashrc", "PS1='PROMPT '\nstty rows 40 cols 100\n")
            let shell = try ChildProcess(
                ["script", "-qec", "bash --rcfile \(settingUp) -i", "/dev/null"], in: folder, standardInput: ends[0])
            func type(_ text: String) throws { try writeAll(ends[1], Array(text.utf8)) }
            func appears(_ text: String, after position: Int) -> Bool {
                eventually(seconds: 15) { shell.output.dropFirst(position).contains(text) }
            }
            func settings(_ name: String) throws -> String {
                try type("stty -a >\(folder.path)/\(name)\n")
                #expect(eventually(seconds: 15) { ProcessFacts.text("\(folder.path)/\(name)").hasSuffix("\n") })
                return ProcessFacts.text("\(folder.path)/\(name)")
            }
            let (begin, end) = ("\u{1b}[?1049h\u{1b}[?25l", "\u{1b}[?25h\u{1b}[?1049l")
            try #require(appears("PROMPT", after: 0))
            let before = try settings("before")
            #expect(before.contains(" icanon") && before.contains(" echo "))
            var position = shell.output.count
            // What is shown after it goes on is not a look of its own.
            try type("\(ServerProcess.binaryPath) top --admin \(address) --interval 600\n")
            try #require(appears(begin, after: position) && appears("requests/s", after: position))
            #expect(appears("mounted", after: position))
            for round in 1...2 {
                position = shell.output.count
                try type("\u{1a}")
                #expect(appears(end, after: position) && appears("Stopped", after: position))
                #expect(try settings("during\(round)") == before)
                position = shell.output.count
                try type("fg\n")
                #expect(appears(begin, after: position), "\(round)")
                #expect(appears("requests/s", after: position) && appears("mounted", after: position), "\(round)")
            }
            position = shell.output.count
            try type("\u{3}")
            #expect(appears(end, after: position))
            #expect(try settings("after") == before)
            try type("exit\n")
            #expect(shell.wait(seconds: 10) != nil)
        }

        @Test(.enabled(if: Capability.isInstalled("script"), "script(1) is not installed"))
        func stuckRequestsAndOpenConnectionsAreShown() throws {
            let docroot = try StallingFolder(["cold": [1]], in: folder)
            let server = try ServerProcess.serving(docroot.path, ["--admin", "127.0.0.1:0", "--stall-timeout", "1"])
            try docroot.stall()
            let kept = try (0..<3).map { _ in try HTTPConnection(port: server.bypassPort) }
            #expect(try kept[0].exchange("/cold").status == 504)
            let command = "\(ServerProcess.binaryPath) top --count 1 --admin 127.0.0.1:\(server.adminPort)"
            let page = try onTerminal("stty rows 40 cols 150; \(command)").output
            #expect(page.contains("stuck 1 (1 given up)"), "\(page)")
            #expect(page.contains("connections 3, ") || page.contains("connections 2, "), "\(page)")
            docroot.resume()
            withExtendedLifetime(kept) {}
        }

        /// The page is cut to the window, and drawn anew when that has another size.
        @Test(.enabled(if: Capability.isInstalled("script"), "script(1) is not installed"))
        func aWindowOfAnotherSizeIsDrawnAtOnce() throws {
            func isCut(_ page: [String]) -> Bool { page.count == 10 && page.allSatisfy { $0.count <= 30 } }
            let terminal = try onTerminal(
                "stty rows 40 cols 60; \(ServerProcess.binaryPath) top --admin \(address) --interval 600 & "
                    + "\(waiting(for: "smaller")); stty rows 10 cols 30; \(waiting(for: "end")); kill $!; wait"
            ) { terminal in
                expectPage(on: terminal)
                try folder.write("smaller", "")
                let isDrawn = eventually(seconds: 5) { pages(on: terminal).last.map(isCut) ?? false }
                #expect(isDrawn)
                try folder.write("end", "")
            }
            let shown = pages(on: terminal)
            // stty sets rows and columns one after the other.
            try #require((2...3).contains(shown.count))
            let (before, after) = (shown[0], shown[shown.count - 1])
            #expect(before.count > 10 && before.contains { $0.count > 30 })
            #expect(isCut(after), "\(after)")
        }

        @Test(
            .enabled(if: Capability.isInstalled("script"), "script(1) is not installed"),
            arguments: ["INT", "TERM", "HUP"])
        func aSignalLeavesTheTerminalAsItWas(_ signal: String) throws {
            let terminal = try onTerminal(
                "stty -a; \(command) & \(waiting(for: "go")); kill -\(signal) $!; wait $!; echo status $?; stty -a"
            ) { terminal in
                expectPage(on: terminal)
                try folder.write("go", "")
            }
            #expect(terminal.wait(seconds: 0) == .exited(0))
            let parts = terminal.output.components(separatedBy: "\u{1b}[?1049h\u{1b}[?25l")
            try #require(parts.count == 2)
            let rest = parts[1].components(separatedBy: "\u{1b}[?25h\u{1b}[?1049l")
            try #require(rest.count == 2)
            let number = ["INT": 2, "TERM": 15, "HUP": 1][signal]!
            #expect(rest[1] == "status \(128 + number)\r\n" + parts[0])
        }
    }
}

import Glibc
import Platform
import Testing

extension EndToEnd {
    /// `serverfs cost`: what it prints, and that it leaves nothing behind.
    @Suite(.timeLimit(.minutes(2)))
    struct CostTests {
        private let folder: PrivateFolder
        private let docroot: String
        private let temporary: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            temporary = try folder.makeFolder("tmp")
            try folder.write("docroot/index.html", String(repeating: "i", count: 26_400))
            try folder.write("docroot/other.html", String(repeating: "o", count: 100))
        }

        private func start(_ options: [String], path: String? = nil) throws -> ChildProcess {
            var environment = ["TMPDIR": temporary]
            if let path { environment["PATH"] = path }
            return try ChildProcess(
                [ServerProcess.binaryPath, "cost", docroot] + options, in: folder, environment: environment)
        }

        /// The processes that its environment was handed on to: it and what it has started.
        private var family: [pid_t] {
            PrivateFolder.names(in: "/proc").compactMap { pid_t($0) }.filter { process in
                ProcessFacts.text("/proc/\(process)/environ").split(separator: "\0").contains("TMPDIR=\(temporary)")
            }
        }

        private func expectNothingLeft(_ sourceLocation: SourceLocation = #_sourceLocation) {
            let isAlone = eventually(seconds: 5) { family.allSatisfy(ProcessFacts.hasEnded) }
            #expect(isAlone, "\(family.map { ProcessFacts.name($0) })", sourceLocation: sourceLocation)
            #expect(PrivateFolder.names(in: temporary).isEmpty, sourceLocation: sourceLocation)
            #expect(PrivateFolder.mounts(below: folder.path).isEmpty, sourceLocation: sourceLocation)
        }

        /// The figures of a table's lines, as tenths: of the first column, or another.
        private func tenths(_ name: String, in text: String, column: Int = 0) throws -> Int {
            let line = try #require(text.split(separator: "\n").first { $0.dropFirst(2).hasPrefix(name + "  ") })
            let words = line.dropFirst(2 + name.count).split(separator: " ")
            return Int((try #require(Double(words[column])) * 10).rounded())
        }

        private func number(before name: String, in text: String) throws -> Double {
            let words = text.split { " ,\n".contains($0) }
            let index = try #require(words.firstIndex { $0 == name })
            return try #require(Double(words[index - 1]))
        }

        private func expectSums(_ text: String) throws {
            let names = ["lookups", "opens", "reads", "copies", "context switches", "everything else"]
            let steps = try names.reduce(0) { try $0 + tenths($1, in: text) }
            #expect(try tenths("bypass", in: text) + steps == tenths("mount", in: text))
            let calls = ["receive, parse, resolve", "statx", "open", "read", "send", "close, event loop"]
            for column in 0...2 {
                let sum = try calls.reduce(0) { try $0 + tenths($1, in: text, column: column) }
                #expect(try sum == tenths("together", in: text, column: column))
            }
            #expect(try tenths("together", in: text) == tenths("bypass", in: text))
            #expect(try tenths("together", in: text, column: 1) == tenths("mount", in: text))
        }

        @Test func theReportsProxyCostsContextSwitchesAndOpens() throws {
            let picture = "\(folder.path)/cost.svg"
            let process = try start(
                ["--profile", "seed", "--seconds", "0.5", "--rounds", "2", "--load", "built-in", "--svg", picture])
            #expect(process.wait(seconds: 60) == .exited(0))
            let text = process.output
            try expectSums(text)
            let sentence = try #require(text.split(separator: "\n").first { $0.hasPrefix("A request ") })
            #expect(sentence.contains("context switches ("), "\(text)")
            #expect(sentence.contains("its opens take "), "\(text)")
            for (name, count) in [("LOOKUP", 1), ("OPEN", 1), ("RELEASE", 1), ("READ", 1), ("FUSE", 7.0)] {
                // Requests under way at the start and at the end make a small difference.
                #expect(try abs(number(before: name, in: text) - count) < 0.1, "\(name): \(text)")
            }
            #expect(try tenths("mount", in: text) > tenths("bypass", in: text))
            #expect(process.errorOutput.split(separator: "\n").count == 2, "\(process.errorOutput)")
            let svg = String(decoding: try readFile(Array(picture.utf8)), as: UTF8.self)
            #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
            #expect(svg.contains(">context switches</text>"))
            expectNothingLeft()
        }

        @Test(.enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"))
        func wrkAsksForSeveralFilesInTurn() throws {
            let process = try start([
                "--path", "/index.html", "--path", "/other.html", "--seconds", "0.5", "--rounds", "1",
                "--connections", "20",
            ])
            #expect(process.wait(seconds: 60) == .exited(0), "\(process.errorOutput)")
            let output = process.output
            #expect(output.contains("2 files in turn (13,250 bytes), 20 connections of wrk"), "\(output)")
            try expectSums(process.output)
            expectNothingLeft()
        }

        @Test(.enabled(if: Capability.isRoot, "an ordinary user's mount needs fusermount3 on the PATH"))
        func withoutWrkItMakesTheLoadItself() throws {
            let process = try start(["--seconds", "0.2", "--rounds", "1"], path: temporary)
            #expect(process.wait(seconds: 60) == .exited(0), "\(process.errorOutput)")
            #expect(process.output.contains("64 connections of the built-in load"), "\(process.output)")
            expectNothingLeft()
        }

        @Test func whatCannotBeMeasuredIsRefused() throws {
            try FailedStart(["cost", docroot, "--load", "wrk"], in: folder, prefix: ["env", "PATH=\(temporary)"])
                .expectRefusal("wrk is not on the PATH")
            try FailedStart(["cost", "\(folder.path)/missing"], in: folder).expectRefusal("docroot")
            try FailedStart(["cost", docroot, "--svg", "\(folder.path)/missing/x.svg"], in: folder)
                .expectRefusal("x.svg", "No such file or directory")
            try FailedStart(["cost", docroot, "--path", "/missing"], in: folder).expectRefusal("/missing", "404")
            let empty = try folder.makeFolder("empty")
            try FailedStart(["cost", empty], in: folder).expectRefusal("/index.html", "404", "--path")
            let few = ["prlimit", "--nofile=256:256"]
            for load in LoadName.allCases where load == .builtIn || Capability.isInstalled("wrk") {
                let options = ["cost", docroot, "--connections", "2000", "--load", load.rawValue]
                try FailedStart(options, in: folder, prefix: few)
                    .expectRefusal("--connections 2000 is too many: 256 descriptors")
            }
        }

        private enum LoadName: String, CaseIterable {
            case wrk
            case builtIn = "built-in"
        }

        /// Known before there is a mount, and not after half a minute.
        @Test func aPictureThatCannotBeWrittenIsRefusedAtOnce() throws {
            #expect(mkfifo("\(folder.path)/fifo", 0o600) == 0)
            for (path, word) in [
                (docroot, "no regular file"), ("\(folder.path)/fifo", "no regular file"),
                ("/dev/full", "no regular file"),
                ("\(folder.path)/missing/", "No such file or directory"), ("", "No such file or directory"),
                ("\(docroot)/index.html/x", "Not a directory"),
            ] {
                try FailedStart(["cost", docroot, "--svg", path], in: folder).expectRefusal("cannot be written", word)
            }
        }

        /// The figures have taken their time: they are printed, and the failure is told.
        @Test func aPictureThatCannotBeWrittenAtTheEndLosesNoFigures() throws {
            let pictures = try folder.makeFolder("pictures")
            let process = try start(
                ["--seconds", "0.5", "--rounds", "1", "--load", "built-in", "--svg", "\(pictures)/cost.svg"])
            #expect(eventually(seconds: 20) { !PrivateFolder.mounts(below: temporary).isEmpty })
            #expect(rmdir(pictures) == 0)
            #expect(process.wait(seconds: 60) == .exited(1))
            try expectSums(process.output)
            let last = process.errorOutput.split(separator: "\n").last
            #expect(last?.hasSuffix("cost.svg cannot be written: No such file or directory") == true)
            expectNothingLeft()
        }

        @Test func withoutAnOutputItDoesNotBegin() throws {
            try FailedStart(["cost", docroot], in: folder, prefix: ["sh", "-c", "exec \"$@\" >&-", "sh"])
                .expectRefusal("the standard output is closed")
        }

        @Test func figuresThatNobodyTakesAreAFailure() throws {
            // A pipe whose reader is gone by then.
            let pipe = "pipe=$TMPDIR/../pipe; mkfifo $pipe; sleep 1 <$pipe & exec \"$@\" >$pipe"
            for (script, word) in [
                ("exec \"$@\" >/dev/full", "No space left on device"), (pipe, "Broken pipe"),
            ] {
                let process = try ChildProcess(
                    [
                        "sh", "-c", script, "sh", ServerProcess.binaryPath, "cost", docroot, "--seconds", "1",
                        "--rounds",
                        "1", "--load", "built-in",
                    ], in: folder, environment: ["TMPDIR": temporary])
                #expect(process.wait(seconds: 60) == .exited(1))
                let last = process.errorOutput.split(separator: "\n").last
                #expect(last == "serverfs: the standard output cannot be written to: \(word)")
                expectNothingLeft()
            }
        }

        /// Ctrl-C reaches everybody of the foreground process group, the watchdog too.
        @Test(arguments: ["wrk", "built-in"])
        func interruptedByAKeyItLeavesNothingBehind(_ load: String) throws {
            let process = try ChildProcess(
                ["setsid", ServerProcess.binaryPath, "cost", docroot, "--seconds", "60", "--load", load], in: folder,
                environment: ["TMPDIR": temporary])
            #expect(eventually(seconds: 20) { !PrivateFolder.mounts(below: temporary).isEmpty })
            usleep(1_000_000)
            kill(-process.identifier, SIGINT)
            #expect(process.wait(seconds: 10) == .exited(1))
            #expect(process.output.isEmpty)
            #expect(process.errorOutput == "serverfs: interrupted: there are no figures\n")
            expectNothingLeft()
        }

        @Test(arguments: [
            ["--bypass"], ["--listen", "127.0.0.1:0"], ["--mount-point", "/tmp"], ["--seconds", "0"],
            ["--seconds", "nan"], ["--rounds", "0"], ["--connections", "0"], ["--load", "ab"],
            ["--path", "index.html"], ["--path", "/a b"], ["--path", "/a#b"], ["--workers", "0"],
            ["--fuse-threads", "0"],
            ["--fuse-cache", "none", "--send", "sendfile"],
        ])
        func nonsenseIsAUsageError(_ options: [String]) throws {
            try FailedStart(["cost", docroot] + options, in: folder).expectUsageError()
        }

        @Test(
            .enabled(if: Capability.isInstalled("wrk"), "wrk is not installed: make test installs it"),
            .enabled(if: Capability.mountNamespaces, "fusectl can be mounted by root only"))
        func figuresOfAMountThatIsLostMeanwhileDoNotCount() throws {
            let process = try start(["--seconds", "3", "--rounds", "1", "--load", "wrk"])
            var mounts: [MountEntry] = []
            _ = eventually(seconds: 20) {
                mounts = PrivateFolder.mounts(below: temporary)
                return !mounts.isEmpty
            }
            let device = try #require(mounts.first).device
            // In the second run, which is the mount's.
            usleep(5_000_000)
            #expect(FuseConnection.abort(device: device))
            #expect(process.wait(seconds: 20) == .exited(1))
            #expect(process.errorOutput.hasSuffix("the mount was lost meanwhile: there are no figures\n"))
            #expect(process.output.isEmpty)
            expectNothingLeft()
        }

        /// SIGUSR2 in the mount's run, which comes second: figures of both ways would look like those of one.
        @Test func figuresOfRequestsThatWentTheOtherWayDoNotCount() throws {
            let process = try start(["--seconds", "3", "--rounds", "1", "--load", "built-in"])
            #expect(eventually(seconds: 20) { !PrivateFolder.mounts(below: temporary).isEmpty })
            usleep(5_500_000)
            process.signal(SIGUSR2)
            #expect(process.wait(seconds: 20) == .exited(1))
            #expect(
                process.errorOutput.hasSuffix("the bypass was turned over meanwhile: there are no figures\n"),
                "\(process.errorOutput)")
            #expect(process.output.isEmpty)
            expectNothingLeft()
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func interruptedItLeavesNothingBehind(_ signal: CInt) throws {
            let process = try start(["--seconds", "60"])
            #expect(eventually(seconds: 20) { !PrivateFolder.mounts(below: temporary).isEmpty })
            usleep(1_000_000)
            process.signal(signal)
            #expect(process.wait(seconds: 10) == .exited(1))
            #expect(process.output.isEmpty)
            #expect(process.errorOutput == "serverfs: interrupted: there are no figures\n")
            expectNothingLeft()
        }

        /// Also the load ends with it: nobody else would end it.
        @Test func killedItLeavesNothingBehind() throws {
            let process = try start(["--seconds", "60"])
            #expect(eventually(seconds: 20) { !PrivateFolder.mounts(below: temporary).isEmpty })
            usleep(1_000_000)
            process.signal(SIGKILL)
            #expect(process.wait(seconds: 10) == .signaled(SIGKILL))
            #expect(eventually(seconds: 10) { PrivateFolder.names(in: temporary).isEmpty })
            expectNothingLeft()
        }
    }
}

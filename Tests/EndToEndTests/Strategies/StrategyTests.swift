import Glibc
import Platform
import Testing

extension EndToEnd {
    /// The strategies: which go together, what each is about, and a tree of files compared by find, diff and cmp.
    /// `DifferentialTests` compares every combination.
    @Suite(.timeLimit(.minutes(2)))
    struct StrategyTests {
        private let folder: PrivateFolder
        private let docroot: String
        private let mountPoint: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            mountPoint = try folder.makeFolder("mount")
        }

        private func makeFiles() throws {
            try folder.write("docroot/empty", "")
            try folder.write("docroot/one", "1")
            try folder.write("docroot/page", RandomBytes.make(26_400))
            try folder.write("docroot/large", RandomBytes.make(3_000_001))
            try folder.write("docroot/" + String(repeating: "n", count: 255), "long name")
            _ = try folder.makeFolder("docroot/folder")
            for index in 0..<100 {
                try folder.write("docroot/folder/\(index) ü%", RandomBytes.make(index, from: index))
            }
            symlink("../page", "\(docroot)/folder/link")
            link("\(docroot)/page", "\(docroot)/folder/hard")
            mkfifo("\(docroot)/fifo", 0o600)
            // A hole of 5 GiB with bytes behind it.
            let sparse = try Files.open(folder.write("docroot/sparse", ""), flags: O_WRONLY)
            let tail = RandomBytes.make(5000)
            let count = tail.withUnsafeBytes { pwrite(sparse.rawValue, $0.baseAddress!, $0.count, 5 << 30) }
            try #require(count == 5000)
        }

        private func output(_ arguments: String...) throws -> String {
            let child = try ChildProcess(["timeout", "20"] + arguments, in: folder)
            #expect(child.wait(seconds: 25) == .exited(0), "\(arguments): \(child.errorOutput)")
            return child.output
        }

        @Test(arguments: Combination.ofEachOpen)
        func otherProgramsFindTheDocrootInTheMount(_ combination: Combination) throws {
            try makeFiles()
            let server = try ServerProcess(["mount", docroot, mountPoint] + combination.options)
            // Twice: what the kernel keeps of the first time must be as right as what it was told.
            for _ in 1...2 {
                let format = "%P %y %s %m %U %G %T@ %n %i %b %l\\n"
                func listing(_ path: String) throws -> [Substring] {
                    try output("find", path, "-mindepth", "1", "-printf", format).split(separator: "\n").sorted()
                }
                #expect(try listing(mountPoint) == listing(docroot))
                _ = try output(
                    "diff", "-r", "--no-dereference", "-x", "fifo", "-x", "sparse", docroot, mountPoint)
                let tail = "tail -c 100000 \(docroot)/sparse | cmp - <(tail -c 100000 \(mountPoint)/sparse)"
                _ = try output("bash", "-c", tail)
                let inside =
                    "for o in 0 4095 1048575 2999999; do cmp -n 70000 -i $o \(docroot)/large \(mountPoint)/large; done"
                _ = try output("bash", "-c", inside)
            }
            #expect(server.stop() == .exited(0))
            #expect(PrivateFolder.mounts(below: folder.path).isEmpty)
        }

        @Test(arguments: Combination.all.filter { $0.contradiction != nil })
        func aContradictionIsRefusedWithItsReason(_ combination: Combination) throws {
            let child = try ChildProcess(
                [ServerProcess.binaryPath, "mount", docroot, mountPoint] + combination.options, in: folder)
            #expect(child.wait(seconds: 10) == .exited(64))
            #expect(child.errorOutput.contains(try #require(combination.contradiction)))
            #expect(PrivateFolder.mounts(below: folder.path).isEmpty)
        }

        @Test func withoutACacheEveryBodyTravelsAsREADs() throws {
            let site = try Site(options: ["--profile", "seed"])
            try site.write("file", RandomBytes.make(26_400))
            for _ in 1...20 { #expect(try site.fetch(.mount, "/file").body.count == 26_400) }
            let metrics = try site.server.metrics()
            #expect(metrics.fuseRequests("read") >= 20)
            #expect(metrics.fuseReadBytes >= 20 * 26_400)
            #expect(metrics.fuseRequests("open") >= 20)
        }

        @Test func sendfileFromAFileWithoutACacheIsRefused() throws {
            let child = try ChildProcess(
                [
                    ServerProcess.binaryPath, docroot, "--fuse-open", "per-open", "--fuse-cache", "none", "--send",
                    "sendfile",
                ],
                in: folder)
            #expect(child.wait(seconds: 10) == .exited(64))
            #expect(child.errorOutput.contains("--send copy"))
        }

        @Test(.enabled(if: Capability.isRoot, "passthrough needs root"))
        func passthroughSendsNoREADAndStatelessNoOPEN() throws {
            let passthrough = try Site(options: ["--fuse-open", "passthrough", "--open-file-cache", "off"])
            let stateless = try Site(options: ["--fuse-open", "stateless", "--open-file-cache", "off"])
            for site in [passthrough, stateless] {
                try site.write("file", RandomBytes.make(26_400))
                for _ in 1...10 { #expect(try site.fetch(.mount, "/file").body.count == 26_400) }
            }
            #expect(try passthrough.server.metrics().fuseRequests("read") == 0)
            #expect(try passthrough.server.metrics().fuseRequests("open") >= 10)
            // The one that the kernel learns from at the start.
            #expect(try stateless.server.metrics().fuseRequests("open") == 1)
            #expect(try stateless.server.metrics().fuseRequests("release") == 0)
        }
    }
}

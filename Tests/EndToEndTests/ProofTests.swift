import Glibc
import Testing

extension EndToEnd {
    /// That what `--listen` serves comes through FUSE, and what `--listen-bypass` serves does not.
    @Suite(.timeLimit(.minutes(1)))
    struct ProofTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
        }

        @Test func theMountIsInMountinfoReadOnlyWithoutDevicesAndSetuid() throws {
            let server = try ServerProcess.serving(docroot)
            let mounts = PrivateFolder.mounts(below: server.mountPoint)
            #expect(mounts.map(\.fileSystemType) == ["fuse.serverfs"])
            #expect(mounts.first?.source == docroot)
            #expect(ProcessFacts.mountOptions(server.mountPoint).isSuperset(of: ["ro", "nosuid", "nodev"]))
        }

        @Test func aColdFileIsReadThroughFuse() throws {
            let content = RandomBytes.make(3_000_000)
            try folder.write("docroot/cold", content)
            let server = try ServerProcess.serving(docroot)
            let before = try server.metrics()
            let response = try HTTPConnection.fetch(server.port, "/cold")
            let after = try server.metrics()
            #expect(response.body == content)
            #expect(after.fuseReadBytes - before.fuseReadBytes >= 3_000_000)
            #expect(after.fuseRequests("read") > before.fuseRequests("read"))
            #expect(after.requests(via: "mount") == before.requests(via: "mount") + 1)
            #expect(after.requests(via: "bypass") == before.requests(via: "bypass"))
        }

        @Test func aThousandBypassedFilesCauseNoFuseRequest() throws {
            for index in 0..<1000 { try folder.write("docroot/\(index)", RandomBytes.make(index * 13, from: index)) }
            let server = try ServerProcess.serving(docroot)
            let before = try server.metrics()
            let connection = try HTTPConnection(port: server.bypassPort)
            var wrong = 0
            for index in 0..<1000 {
                let response = try connection.exchange("/\(index)")
                if response.body != RandomBytes.make(index * 13, from: index) { wrong += 1 }
            }
            #expect(try connection.exchange("/missing").status == 404)
            let after = try server.metrics()
            #expect(wrong == 0)
            #expect(after.allFuseCounters == before.allFuseCounters)
            #expect(after.requests(via: "bypass") == before.requests(via: "bypass") + 1001)
            #expect(after.requests(via: "mount") == before.requests(via: "mount"))
        }

        /// Nothing is changed in the docroot, and the reason is EROFS: the mount, not a missing right.
        @Test(arguments: [
            ["touch", "new"], ["mkdir", "new"], ["rm", "-f", "file"], ["mv", "file", "new"], ["ln", "file", "new"],
            ["ln", "-s", "file", "new"], ["truncate", "-s", "0", "file"], ["chmod", "600", "file"],
            ["touch", "file"], ["cp", "/etc/hostname", "file"], ["rmdir", "folder"], ["mkfifo", "new"],
        ])
        func theMountRefusesToBeWritten(_ command: [String]) throws {
            try folder.write("docroot/file", "as it was")
            _ = try folder.makeFolder("docroot/folder")
            let server = try ServerProcess.serving(docroot)
            let child = try ChildProcess(command, in: folder, workingFolder: server.mountPoint)
            let status = child.wait(seconds: 10)
            #expect(status != .exited(0) && status != nil)
            #expect(child.errorOutput.contains("Read-only file system"))
            #expect(PrivateFolder.names(in: docroot).sorted() == ["file", "folder"])
            #expect(try readFile(Array("\(docroot)/file".utf8)) == Array("as it was".utf8))
        }

        @Test func threadsAreNamedForWhatTheyDo() throws {
            let server = try ServerProcess.serving(docroot, ["--workers", "3", "--fuse-threads", "2"])
            // A thread takes its name when it first runs.
            let areNamed = eventually(seconds: 2) {
                let names = ProcessFacts.threadNames(server.identifier)
                return names.filter { $0.hasPrefix("http-") } == ["http-0", "http-1", "http-2"]
                    && names.filter { $0.hasPrefix("fuse-") } == ["fuse-0", "fuse-1"]
            }
            #expect(areNamed, "\(ProcessFacts.threadNames(server.identifier))")
        }

        /// Waiting for a mount's file would ask the FUSE threads (POLL), and a page fault on one would wait for them with a lock
        /// of the address space held: neither is ever done.
        @Test func noFileOfTheMountIsPolledOrMapped() throws {
            try folder.write("docroot/file", String(repeating: "x", count: 100_000))
            let server = try ServerProcess.serving(docroot)
            // A file that has just changed is not kept open.
            sleep(3)
            for _ in 1...3 { #expect(try HTTPConnection.fetch(server.port, "/file").status == 200) }
            let mounted = ProcessFacts.descriptorTargets(server.identifier).filter { $0.hasPrefix(server.mountPoint) }
            // They are held open, so that there is something to be found.
            #expect(mounted.contains("\(server.mountPoint)/file"))
            #expect(!ProcessFacts.mappedFiles(server.identifier).contains { $0.hasPrefix(server.mountPoint) })
            #expect(!ProcessFacts.polledFiles(server.identifier).contains { $0.hasPrefix(server.mountPoint) })
            #expect(!ProcessFacts.polledFiles(server.identifier).isEmpty)
        }

        @Test func oneFuseThreadIsOneThreadAndServes() throws {
            try folder.write("docroot/file", "through one thread")
            let server = try ServerProcess.serving(docroot, ["--fuse-threads", "1"])
            #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "through one thread")
            // One that takes long for an answer is replaced by another, and ends with it.
            let isOne = eventually(seconds: 5) {
                ProcessFacts.threadNames(server.identifier).count { $0.hasPrefix("fuse-") } == 1
            }
            #expect(isOne, "\(ProcessFacts.threadNames(server.identifier))")
        }

        @Test func bypassAloneHasNoMountAndNoFuseThread() throws {
            try folder.write("docroot/file", "directly")
            let server = try ServerProcess([docroot, "--listen", "127.0.0.1:0", "--bypass"])
            #expect(server.bannerValue("mount") == "none (--bypass)")
            #expect(!ProcessFacts.threadNames(server.identifier).contains { $0.hasPrefix("fuse-") })
            #expect(server.leftovers.isEmpty)
            #expect(try HTTPConnection.fetch(server.port, "/file").bodyText == "directly")
            #expect(try server.metrics().requests(via: "bypass") == 1)
        }
    }
}

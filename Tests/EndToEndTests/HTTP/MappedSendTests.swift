import Glibc
import Platform
import Testing

extension EndToEnd {
    /// `--send mmap`: bodies that are sent from mappings of their files are what the files hold, and never what they held.
    @Suite(
        .timeLimit(.minutes(2)), .enabled(if: Capability.isRoot, "passthrough needs root"))
    struct MappedSendTests {
        /// Around the sizes at which something changes: a page, and the largest file that is mapped.
        private static let sizes = [0, 1, 4095, 4096, 4097, 26_400, 65_535, 65_536, 65_537, 300_000]

        /// Microseconds after which a file that has not changed is kept open (`ContentVersion.isRecent`).
        private static let oldEnough: UInt32 = 3_100_000

        /// Bytes of which none is zero.
        private func bytes(_ count: Int) -> [UInt8] { RandomBytes.make(count).map { $0 | 1 } }

        /// - Parameter files: old enough to be kept open.
        private func makeSite(_ files: [String: [UInt8]], _ options: String...) throws -> Site {
            let site = try Site(
                options: ["--fuse-open", "passthrough", "--fuse-cache", "timeout=3600", "--workers", "1"] + options)
            for (name, bytes) in files {
                try site.write(name, bytes)
                // Older than a day: a read would be noted (mount(8), relatime).
                let times = [
                    timespec(tv_sec: Self.accessTime, tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: Int((1 << 30) - 2)),
                ]
                #expect(utimensat(AT_FDCWD, "\(site.docroot)/\(name)", times, 0) == 0)
            }
            usleep(Self.oldEnough)
            return site
        }

        private static let accessTime = time(nil) - 200_000

        /// Bytes of bodies that were sent from mappings so far.
        private func mappedBytes(_ site: Site, _ via: Via) throws -> Int {
            // What was sent last is counted once the loop, of which there is one, goes on.
            #expect(try site.fetch(via, "/missing").status == 404)
            return Int(try site.server.metrics().mappedBodyBytes(via: via.rawValue))
        }

        /// Names in the docroot or the mount that are mapped into the server.
        private func mappedNames(_ site: Site) -> [String] {
            ProcessFacts.mappedFiles(site.server.identifier).filter {
                $0.hasPrefix(site.server.mountPoint) || $0.hasPrefix(site.docroot)
            }
        }

        /// What a client gets of `target` before the end, whether or not that is what was promised.
        private func receive(_ site: Site, _ via: Via, _ target: String) throws -> (promised: Int, got: [UInt8]) {
            let connection = try site.connect(via)
            try connection.socket.send(HTTPConnection.request(target, fields: ["Connection: close"]))
            let promised = try connection.receiveHead().contentLength ?? -1
            var got: [UInt8] = []
            do {
                while got.count < promised { try connection.receiveBody(1) { got += $0 } }
            } catch ClientFailure.closed {}
            return (promised, got)
        }

        @Test(arguments: Via.allCases)
        func wholeFilesAndRangesAreTheirBytes(_ via: Via) throws {
            var files: [String: [UInt8]] = [:]
            for size in Self.sizes { files["f\(size)"] = bytes(size) }
            let site = try makeSite(files)
            #expect(site.server.banner.contains("send mmap"))
            let connection = try site.connect(via)
            var countBefore = 0
            for round in 1...4 {
                // From the second request on.
                if round == 2 { countBefore = try mappedBytes(site, via) }
                for (name, bytes) in files {
                    #expect(try connection.exchange("/\(name)").body == bytes, "\(name)")
                }
            }
            let smallBytes = Self.sizes.filter { $0 <= 65_536 }.reduce(0, +)
            #expect(try mappedBytes(site, via) - countBefore == 3 * smallBytes)
            for _ in 1...2 {
                for (name, bytes) in files {
                    guard bytes.count > 10 else { continue }
                    for (first, last) in [(0, 0), (1, bytes.count - 2), (bytes.count / 2, bytes.count - 1), (7, 9)] {
                        let response = try connection.exchange("/\(name)", fields: ["Range: bytes=\(first)-\(last)"])
                        #expect(response.status == 206)
                        #expect(response.body == Array(bytes[first...last]), "\(name) \(first)-\(last)")
                    }
                }
            }
            let mapped = Set(mappedNames(site).compactMap { $0.split(separator: "/").last.map(String.init) })
            for name in files.keys {
                #expect(try Files.status(AT_FDCWD, "\(site.docroot)/\(name)").st_atim.tv_sec == Self.accessTime)
            }
            #expect(mapped == Set(Self.sizes.filter { (1...65_536).contains($0) }.map { "f\($0)" }))
        }

        /// Through the mount the server goes by a size that may be out of date, and a mapping by none: the rest of the page in
        /// which a file now ends reads as zeros.
        @Test(arguments: Via.allCases)
        func ofAFileThatWasCutNothingIsFilledUp(_ via: Via) throws {
            let content = bytes(26_400)
            let sizes = [26_399, 24_600, 24_576, 20_000, 4096, 100, 0]
            let files = sizes.map { ("cut-to-\($0)", content) } + [("other", content)]
            let site = try makeSite(Dictionary(uniqueKeysWithValues: files))
            for (name, _) in files { for _ in 1...3 { #expect(try site.fetch(via, "/\(name)").body == content) } }
            #expect(mappedNames(site).count == files.count)
            let countBefore = try mappedBytes(site, via)
            for size in sizes {
                truncate("\(site.docroot)/cut-to-\(size)", off_t(size))
                for _ in 1...3 {
                    let (promised, got) = try receive(site, via, "/cut-to-\(size)")
                    // By what it knew when it promised: it cannot keep that, or by what it knows now.
                    #expect(promised == 26_400 || promised == size)
                    #expect(got == Array(content[..<size]), "\(size)")
                }
            }
            #expect(try mappedBytes(site, via) == countBefore)
            for _ in 1...3 { #expect(try site.fetch(via, "/other").body == content) }
            #expect(try mappedBytes(site, via) == countBefore + 3 * content.count)
        }

        /// A last byte of zero could be one that was cut off.
        @Test func aFileThatEndsWithAZeroIsSentWithoutAMapping() throws {
            let content = bytes(5000) + [0]
            let site = try makeSite(["file": content])
            for _ in 1...4 { #expect(try site.fetch(.mount, "/file").body == content) }
            #expect(mappedNames(site) == [])
            #expect(try mappedBytes(site, .mount) == 0)
        }

        @Test(arguments: Via.allCases)
        func aFileThatHasChangedIsSentAsItIs(_ via: Via) throws {
            let site = try Site(options: ["--fuse-open", "passthrough", "--workers", "1"])
            try site.write("file", bytes(26_400))
            usleep(Self.oldEnough)
            for _ in 1...3 { _ = try site.fetch(via, "/file") }
            #expect(mappedNames(site).count == 1)
            for size in [26_400, 10, 40_000, 26_400] {
                let content = bytes(size)
                try site.folder.write("new", content)
                rename("\(site.folder.path)/new", "\(site.docroot)/file")
                #expect(eventually(seconds: 2) { (try? site.fetch(via, "/file").body) == content })
                for _ in 1...3 { #expect(try site.fetch(via, "/file").body == content) }
            }
            usleep(Self.oldEnough)
            for _ in 1...3 { _ = try site.fetch(via, "/file") }
            // Those of the past are let go of.
            #expect(mappedNames(site).count == 1)
        }

        /// More than a socket takes, again and again: what is left over in the pipe is nobody else's.
        @Test(arguments: Via.allCases)
        func clientsThatTakeLittleGetTheirOwnBytes(_ via: Via) throws {
            let (first, second) = (bytes(65_536), bytes(60_001))
            let site = try makeSite(["first": first, "second": second])
            for name in ["first", "second"] { for _ in 1...3 { _ = try site.fetch(via, "/\(name)") } }
            let clients = try (0..<20).map { _ in try site.connect(via, receiveBufferBytes: 4096) }
            for client in clients {
                for _ in 1...30 {
                    for name in ["first", "second"] { try client.socket.send(HTTPConnection.request("/\(name)")) }
                }
            }
            usleep(200_000)
            #expect(mappedNames(site).count == 2)
            for client in clients {
                for _ in 1...30 {
                    #expect(try client.receiveResponse().body == first)
                    #expect(try client.receiveResponse().body == second)
                }
            }
        }

        @Test func asManyAreMappedAsAreKeptOpen() throws {
            var files: [String: [UInt8]] = [:]
            for index in 0..<12 { files["f\(index)"] = bytes(1000 + index) }
            let site = try makeSite(files, "--open-file-cache", "4")
            for _ in 1...5 {
                for (name, bytes) in files {
                    for _ in 1...2 { #expect(try site.fetch(.mount, "/\(name)").body == bytes) }
                }
                #expect((1...4).contains(mappedNames(site).count))
            }
        }

        @Test func withoutAMountItIsTheDocrootsFilesThatAreMapped() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let content = bytes(26_400)
            try folder.write("docroot/file", content)
            usleep(Self.oldEnough)
            let server = try ServerProcess(
                [docroot, "--listen", "127.0.0.1:0", "--bypass", "--send", "mmap", "--workers", "1"])
            for _ in 1...4 { #expect(try HTTPConnection.fetch(server.port, "/file").body == content) }
            #expect(ProcessFacts.mappedFiles(server.identifier).contains("\(docroot)/file"))
            #expect(server.stop() == .exited(0))
        }

        /// A SIGBUS that has nothing to do with a mapping ends the process as it always did, and its mount goes with it.
        @Test func anotherSIGBUSStillEndsTheProcess() throws {
            let site = try makeSite(["file": bytes(1000)])
            for _ in 1...3 { _ = try site.fetch(.mount, "/file") }
            #expect(mappedNames(site).count == 1)
            #expect(site.server.stop(SIGBUS, seconds: 30) == .signaled(SIGBUS))
            // What Swift's runtime has to say of a crash, if it says anything, comes from the handler before.
            #expect(eventually(seconds: 5) { !site.server.isMounted })
        }

        /// A part of a file whose end is gone: its pages are all there, but not the page of the byte that is looked at. Nobody takes
        /// the failure of that for a crash.
        @Test func aPartOfAFileThatWasCutIsItsBytesAndNoCrash() throws {
            let content = bytes(26_400)
            let sizes = [24_576, 20_000, 4096]
            let site = try makeSite(Dictionary(uniqueKeysWithValues: sizes.map { ("cut-to-\($0)", content) }))
            for size in sizes { for _ in 1...3 { _ = try site.fetch(.mount, "/cut-to-\(size)") } }
            #expect(mappedNames(site).count == sizes.count)
            let countBefore = try mappedBytes(site, .mount)
            for size in sizes {
                truncate("\(site.docroot)/cut-to-\(size)", off_t(size))
                for _ in 1...20 {
                    let response = try site.fetch(.mount, "/cut-to-\(size)", fields: ["Range: bytes=7-106"])
                    #expect(response.body == Array(content[7...106]))
                }
            }
            #expect(try mappedBytes(site, .mount) == countBefore)
            // The watchdog would take the mount away.
            usleep(1_500_000)
            let metrics = try site.server.metrics()
            #expect(site.server.isMounted && metrics["serverfs_mount_losses_total"] == 0)
        }

        @Test(
            arguments: [
                ([], "passthrough"), (["--fuse-open", "per-open"], "passthrough"),
                (["--fuse-open", "passthrough", "--open-file-cache", "off"], "open-file cache"),
                (["--bypass", "--open-file-cache", "off"], "open-file cache"),
            ] as [([String], String)])
        func whereItCannotBeItIsRefused(_ options: [String], _ reason: String) throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let child = try ChildProcess(
                [ServerProcess.binaryPath, docroot, "--listen", "127.0.0.1:0", "--send", "mmap"] + options, in: folder)
            #expect(child.wait(seconds: 5) == .exited(64))
            #expect(
                child.errorOutput.contains("--send mmap") && child.errorOutput.contains(reason), "\(child.errorOutput)")
        }

        /// A page of it that is missing may be waited for with the process's memory map locked.
        @Test func filesOfADaemonAreNotMapped() throws {
            let folder = try PrivateFolder()
            let docroot = try StallingFolder(["file": bytes(1000)], in: folder)
            let child = try ChildProcess(
                [ServerProcess.binaryPath, docroot.path, "--listen", "127.0.0.1:0", "--bypass", "--send", "mmap"],
                in: folder)
            #expect(child.wait(seconds: 5) == .exited(1))
            #expect(child.errorOutput.contains("--send mmap"), "\(child.errorOutput)")
            let server = try ServerProcess.serving(docroot.path, ["--fuse-open", "passthrough"])
            #expect(server.banner.contains("send sendfile"))
            for port in server.ports { #expect(try HTTPConnection.fetch(port, "/file").body.count == 1000) }
        }
    }
}

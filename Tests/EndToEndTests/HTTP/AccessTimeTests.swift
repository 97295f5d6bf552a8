import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Serving a file is no access to it that anybody wants to know of.
    @Suite(.timeLimit(.minutes(1)))
    struct AccessTimeTests {
        /// The server's own open file, the one that its mount passes through, and the daemon's.
        @Test(
            arguments: Via.allCases,
            [
                ["--fuse-open", "per-open"], ["--fuse-open", "retained", "--fuse-read", "mmap"],
                ["--fuse-open", "stateless"],
            ]
                + (Capability.isRoot ? [["--fuse-open", "passthrough", "--send", "sendfile"]] : []))
        func staysAsItWas(_ via: Via, _ options: [String]) throws {
            let site = try Site(["served": "served", "read": "read"], options: options)
            // Older than a day: where access times are kept at all, the next read is noted (mount(8), relatime).
            let old = timespec(tv_sec: time(nil) - 200_000, tv_nsec: 0)
            for name in ["served", "read"] {
                #expect(utimensat(AT_FDCWD, "\(site.docroot)/\(name)", [old, old], 0) == 0)
            }
            _ = ProcessFacts.text("\(site.docroot)/read")
            let isNoted = try accessTime("\(site.docroot)/read") != Int(old.tv_sec)
            try #require(isNoted, "the file system of the temporary folder keeps no access times: nothing can be seen")
            for _ in 1...3 { #expect(try site.fetch(via, "/served").bodyText == "served") }
            #expect(try accessTime("\(site.docroot)/served") == Int(old.tv_sec))
        }

        private func accessTime(_ path: String) throws -> Int { try Files.status(AT_FDCWD, path).st_atim.tv_sec }

        /// Others' files may be read, but their access times not be left alone (`open(2)`, O_NOATIME).
        @Test(.enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
        func othersFilesAreServedAllTheSame() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            for name in ["own", "others"] { try folder.write("docroot/\(name)", Array(name.utf8)) }
            chown("\(docroot)/own", User.nobodyID, User.nobodyID)
            let server = try ServerProcess(
                [docroot, "--listen", "127.0.0.1:0", "--bypass"], prefix: User.nobody.prefix)
            for name in ["own", "others", "own", "others"] {
                #expect(try HTTPConnection.fetch(server.port, "/\(name)").bodyText == name)
            }
        }
    }
}

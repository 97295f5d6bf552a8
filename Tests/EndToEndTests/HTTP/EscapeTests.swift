import Glibc
import Testing

extension EndToEnd {
    /// Targets that try to leave the docroot. A file outside holds a secret, and nothing that the server sends may have it.
    @Suite(.timeLimit(.minutes(1)))
    struct EscapeTests {
        private static let secret = "e2e-secret-4711"

        /// Below `PREFIX`, the way from the docroot to the secret's folder.
        private static let targets = [
            "/../secret", "/../../secret", "/./../secret", "/a/../../secret", "/a/b/../../../secret",
            "/a/./.././../secret",
            "/%2e%2e/secret", "/%2E%2E/secret", "/.%2e/secret", "/%2e./secret", "/%2e%2e%2fsecret", "/..%2fsecret",
            "/..%2Fsecret", "/a%2f..%2f..%2fsecret", "/%252e%252e/secret", "/%252e%252e%252fsecret", "/..%252fsecret",
            "/..%5csecret", "/..\\secret", "/%5c..%5csecret", "/..;/secret", "/..%00/secret", "/..%00",
            "/%00/../secret",
            "/a%00/../../secret", "/file%00.txt", "/..%0d%0a/secret", "/..%01/secret", "/.../secret", "/..../secret",
            "//../secret", "///..///secret", "/a//..//..//secret", "//../../secret", "/..//secret", "/../secret/",
            "/..",
            "/../", "/a/../..", "/%c0%ae%c0%ae/secret", "/%c0%ae%c0%ae%c0%afsecret", "/%e0%80%ae%e0%80%ae/secret",
            "/%u002e%u002e/secret", "/..%c0%afsecret", "/%uff0e%uff0e/secret", "/../docroot/../secret",
            "/../docroot/file", "/../docroot-twin/secret", "/%2e%2e/docroot-twin/secret", "../secret", "..",
            "http://localhost/../secret", "http://localhost/%2e%2e/secret", "http://localhost/..", "http:/../secret",
            "file:///etc/passwd", "/?/../../secret", "/a?x=/../../secret", "/#/../secret", "/~root/secret",
            "/link", "/link/", "/folder-link/secret", "/folder-link/../secret", "/a/up/secret", "/a/up/docroot/file",
            "/proc/self/root/etc/passwd", "/etc/passwd", "//etc/passwd", "/absolute", "/absolute-folder/secret",
            "/a/../link", "/a/up", "/a/up/", "/dev", "/%2fetc%2fpasswd", "/magic", "/magic/secret",
        ]

        private let site: Site

        init() throws {
            site = try Site(["file": "inside", "a/b/file": "inside"])
            let (folder, docroot) = (site.folder, site.docroot)
            try folder.write("secret", Self.secret)
            _ = try folder.makeFolder("docroot-twin")
            try folder.write("docroot-twin/secret", Self.secret)
            symlink("../secret", "\(docroot)/link")
            symlink("..", "\(docroot)/folder-link")
            symlink("../..", "\(docroot)/a/up")
            symlink("\(folder.path)/secret", "\(docroot)/absolute")
            symlink(folder.path, "\(docroot)/absolute-folder")
            symlink("/proc/self/fd", "\(docroot)/magic")
        }

        @Test(arguments: Via.allCases)
        func nothingFromOutsideIsEverSent(_ via: Via) throws {
            for target in Self.targets {
                for method in ["GET", "HEAD"] {
                    let request = HTTPConnection.request(target, method: method, fields: ["Connection: close"])
                    let answer = try site.converse(via, request)
                    let name = Comment(rawValue: "\(method) \(target)")
                    #expect(!answer.contains(Self.secret) && !answer.contains("root:"), name)
                    let status = answer.components(of: " ").dropFirst().first ?? ""
                    #expect(["200", "301", "400", "403", "404"].contains(status), name)
                    if status == "200" || status == "301" {
                        // What was found is inside: it must be what the same target without the tricks finds.
                        #expect(answer.hasSuffix("inside") || method == "HEAD" || status == "301", name)
                        #expect(!target.prefix { $0 != "?" }.contains("secret"), name)
                    }
                }
            }
        }

        /// The bytes of a target that no client would send.
        @Test(arguments: Via.allCases)
        func rawBytesInATargetAreRefused(_ via: Via) throws {
            for bytes: [UInt8] in [[0], [0xc0, 0xae], [0xff], [0x0b], [0x7f], [0xe2, 0x80, 0xae]] {
                let socket = try ClientSocket(port: site.port(via))
                try socket.send(Array("GET /..".utf8) + bytes + Array("/secret HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 400 "))
                #expect(!answer.contains(Self.secret))
            }
        }

        /// Links and folders that change while they are asked for must not open a way out either.
        @Test(arguments: Via.allCases)
        func aFolderThatTurnsIntoALinkOpensNoWayOut(_ via: Via) throws {
            try site.write("turning/secret", "inside")
            let docroot = site.docroot
            symlink("..", "\(docroot)/turned")
            let deadline = Deadline(seconds: 2)
            let turner = try ClientThreads(1) { _ in
                // Folder and link change places under one name, in one step each.
                while !deadline.hasPassed {
                    rename("\(docroot)/turning", "\(docroot)/kept")
                    rename("\(docroot)/turned", "\(docroot)/turning")
                    usleep(50)
                    rename("\(docroot)/turning", "\(docroot)/turned")
                    rename("\(docroot)/kept", "\(docroot)/turning")
                    usleep(50)
                }
            }
            let connection = try site.connect(via)
            var statuses: Set<Int> = []
            var leaks = 0
            while !deadline.hasPassed {
                let response = try connection.exchange("/turning/secret")
                statuses.insert(response.status)
                if response.bodyText.contains(Self.secret) { leaks += 1 }
            }
            try turner.join()
            #expect(leaks == 0)
            #expect(statuses.isSubset(of: [200, 403, 404]), "\(statuses)")
        }

        /// The mount under a second name, in the docroot: a tree that holds itself. It is not content, by either way.
        @Test(.enabled(if: Capability.isRoot, "a bind mount needs root"), arguments: Via.allCases)
        func theMountBoundIntoTheDocrootIsNotContent(_ via: Via) throws {
            let path = try site.folder.makeFolder("docroot/bound")
            #expect(ChildProcess.run(["mount", "--bind", site.server.mountPoint, path]) == .exited(0))
            let connection = try HTTPConnection(port: site.port(via), timeoutSeconds: 3)
            for target in ["/bound/file", "/bound/", "/bound/a/b/file", "/bound/bound/file", "/bound"] {
                let response = try connection.exchange(target)
                #expect([301, 403, 404].contains(response.status), "\(target)")
                #expect(!response.bodyText.contains("inside"), "\(target)")
            }
            #expect(try connection.exchange("/file").bodyText == "inside")
            #expect(ChildProcess.run(["umount", path]) == .exited(0))
        }
    }
}

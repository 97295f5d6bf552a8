import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Files that change under the server: without the mount it is seen at once, through it when the kernel asks again,
    /// which is after a second.
    @Suite(.timeLimit(.minutes(1)))
    struct ChangeTests {
        private let site: Site

        init() throws { site = try Site(["file": "first version", "other": "other", "folder/file": "in a folder"]) }

        /// How long an answer may be the one from before the change. Without the mount: not at all.
        private func staleSeconds(_ via: Via) -> Double { via == .mount ? 2 : 0 }

        /// Asks until `isNew`, as long as it may take, and gives the last answer.
        private func fetchChanged(
            _ connection: HTTPConnection, _ target: String, _ via: Via, until isNew: (HTTPResponse) -> Bool
        ) throws -> HTTPResponse {
            let deadline = Deadline(seconds: staleSeconds(via))
            while true {
                let response = try connection.exchange(target)
                if isNew(response) || deadline.hasPassed { return response }
                usleep(20_000)
            }
        }

        @Test(arguments: Via.allCases)
        func aFileReplacedByRenameIsServedNew(_ via: Via) throws {
            let connection = try site.connect(via)
            var tags: Set<String> = []
            for version in ["first version", "second, and longer", "third"] {
                try site.write("next", version)
                rename("\(site.docroot)/next", "\(site.docroot)/file")
                let response = try fetchChanged(connection, "/file", via) { $0.bodyText == version }
                #expect(response.bodyText == version)
                tags.insert(try #require(response["ETag"]))
            }
            #expect(tags.count == 3)
        }

        /// Another file with the size and the time of the first: only its inode tells.
        @Test(arguments: Via.allCases)
        func aReplacementThatLooksTheSameIsServedNew(_ via: Via) throws {
            let time = timespec(tv_sec: 1_600_000_000, tv_nsec: 0)
            utimensat(AT_FDCWD, "\(site.docroot)/file", [time, time], 0)
            let connection = try site.connect(via)
            #expect(try connection.exchange("/file").bodyText == "first version")
            try site.write("next", "FIRST VERSION")
            utimensat(AT_FDCWD, "\(site.docroot)/next", [time, time], 0)
            rename("\(site.docroot)/next", "\(site.docroot)/file")
            let response = try fetchChanged(connection, "/file", via) { $0.bodyText == "FIRST VERSION" }
            #expect(response.bodyText == "FIRST VERSION")
        }

        @Test(arguments: Via.allCases)
        func aFileRewrittenInPlaceIsServedNew(_ via: Via) throws {
            let connection = try site.connect(via)
            var tags: Set<String> = []
            for version in ["first version", "1234567890123", "shorter", "much longer than before"] {
                usleep(20_000)
                try site.write("file", version)
                // The response under way when the kernel is told may have the new bytes behind the former tag.
                let response = try fetchChanged(connection, "/file", via) { response in
                    response.bodyText == version && !tags.contains(response["ETag"] ?? "")
                }
                #expect(response.bodyText == version)
                tags.insert(try #require(response["ETag"]))
            }
            #expect(tags.count == 4)
        }

        /// The old tag is not taken for the new content.
        @Test(arguments: Via.allCases)
        func aChangeEndsNotModified(_ via: Via) throws {
            let connection = try site.connect(via)
            let fields = ["If-None-Match: \(try #require(try connection.exchange("/file")["ETag"]))"]
            #expect(try connection.exchange("/file", fields: fields).status == 304)
            usleep(20_000)
            try site.write("file", "second versio")
            let isSeen = try eventually(seconds: staleSeconds(via)) {
                try connection.exchange("/file", fields: fields).status == 200
            }
            #expect(isSeen)
        }

        @Test(arguments: Via.allCases)
        func aFileThatGrowsIsServedInWholeLengths(_ via: Via) throws {
            let content = RandomBytes.make(400_000)
            let path = Array("\(site.docroot)/grown".utf8)
            try writeFile(path, [])
            let file = try withPath(path) { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
            defer { close(file) }
            let connection = try site.connect(via)
            for start in stride(from: 0, to: content.count, by: 4000) {
                try writeAll(file, Array(content[start..<(start + 4000)]))
                let response = try connection.exchange("/grown")
                #expect(response.body.elementsEqual(content.prefix(response.body.count)))
                if via == .bypass { #expect(response.body.count == start + 4000) }
            }
            let last = try fetchChanged(connection, "/grown", via) { $0.body.count == content.count }
            #expect(last.body == content)
        }

        @Test(arguments: Via.allCases)
        func aDeletedFileIsNotFoundAndANewOneIs(_ via: Via) throws {
            let connection = try site.connect(via)
            #expect(try connection.exchange("/file").status == 200)
            unlink("\(site.docroot)/file")
            #expect(try fetchChanged(connection, "/file", via) { $0.status == 404 }.status == 404)
            try site.write("file", "back again")
            #expect(try fetchChanged(connection, "/file", via) { $0.status == 200 }.bodyText == "back again")
        }

        @Test(arguments: Via.allCases)
        func aFolderTakesTheFilesPlaceAndBack(_ via: Via) throws {
            let (docroot, connection) = (site.docroot, try site.connect(via))
            #expect(try connection.exchange("/file").status == 200)
            unlink("\(docroot)/file")
            try site.write("file/index.html", "a folder now")
            #expect(try fetchChanged(connection, "/file", via) { $0.status == 301 }.status == 301)
            #expect(try fetchChanged(connection, "/file/", via) { $0.status == 200 }.bodyText == "a folder now")
            unlink("\(docroot)/file/index.html")
            rmdir("\(docroot)/file")
            try site.write("file", "a file again")
            #expect(try fetchChanged(connection, "/file", via) { $0.status == 200 }.bodyText == "a file again")
        }

        @Test(arguments: Via.allCases)
        func aRenamedFolderTakesItsFilesAlong(_ via: Via) throws {
            let connection = try site.connect(via)
            #expect(try connection.exchange("/folder/file").status == 200)
            rename("\(site.docroot)/folder", "\(site.docroot)/renamed")
            #expect(try fetchChanged(connection, "/folder/file", via) { $0.status == 404 }.status == 404)
            #expect(try fetchChanged(connection, "/renamed/file", via) { $0.status == 200 }.bodyText == "in a folder")
        }

        @Test(arguments: Via.allCases)
        func aHardLinkOutlivesTheOther(_ via: Via) throws {
            link("\(site.docroot)/file", "\(site.docroot)/folder/second name")
            let connection = try site.connect(via)
            for target in ["/file", "/folder/second%20name", "/file"] {
                #expect(try connection.exchange(target).bodyText == "first version")
            }
            unlink("\(site.docroot)/file")
            for _ in 0..<5 {
                #expect(try connection.exchange("/folder/second%20name").bodyText == "first version")
            }
            #expect(try fetchChanged(connection, "/file", via) { $0.status == 404 }.status == 404)
        }

        /// Each version is one byte again and again: a body of two would be seen, and so would a tag of the wrong one.
        @Test(arguments: Via.allCases)
        func aFileReplacedUnderLoadIsAlwaysOneVersion(_ via: Via) throws {
            let site = site
            func version(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 90_000 + 37 * number) }
            try site.write("file", version(0))
            let deadline = Deadline(seconds: 3)
            let clients = try ClientThreads(3) { _ in
                let connection = try site.connect(via)
                var numbersByTag: [String: UInt8] = [:]
                while !deadline.hasPassed {
                    let response = try connection.exchange("/file")
                    let first = response.body.first ?? 255
                    guard response.status == 200, response.body.count == 90_000 + 37 * Int(first),
                        response.body.allSatisfy({ $0 == first })
                    else {
                        throw ClientFailure.mismatch("\(response.status), \(response.body.count) bytes of \(first)")
                    }
                    let known = numbersByTag.updateValue(first, forKey: response["ETag"] ?? "")
                    guard known == nil || known == first else { throw ClientFailure.mismatch("one tag, two bodies") }
                }
            }
            var number = 0
            while !deadline.hasPassed {
                number = (number + 1) % 200
                try site.write("next", version(number))
                rename("\(site.docroot)/next", "\(site.docroot)/file")
                usleep(5000)
            }
            try clients.join()
        }
    }
}

import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Files that are cut short while they are sent.
    @Suite(.timeLimit(.minutes(1)))
    struct TruncationTests {
        private let site: Site
        private static let sizeBytes = 64_000_000

        init() throws {
            site = try Site(["other": "other"])
            try site.write("large", RandomBytes.make(Self.sizeBytes))
        }

        /// The promised length cannot be kept: the connection ends, and what was sent until then is the file's own.
        @Test(arguments: Via.allCases, [0, 100_000, 20_000_001])
        func aFileCutShortEndsTheConnection(_ via: Via, _ rest: Int) throws {
            let connection = try site.connect(via, receiveBufferBytes: 16384)
            try connection.socket.send(HTTPConnection.request("/large") + HTTPConnection.request("/other"))
            #expect(try connection.receiveHead().contentLength == Self.sizeBytes)
            usleep(100_000)
            truncate("\(site.docroot)/large", off_t(rest))

            let content = RandomBytes.make(Self.sizeBytes)
            // What is on its way is the page cache's own memory (sendfile), where cutting a file clears what is behind the
            // new end, up to the end of the folio.
            var offset = 0
            var isOwn = true
            var received = 0
            let time = try seconds {
                received = try connection.receiveRest { piece in
                    for byte in piece {
                        isOwn = isOwn && (byte == content[offset] || (byte == 0 && offset >= rest))
                        offset += 1
                    }
                }
            }
            #expect(received < Self.sizeBytes)
            #expect(received >= rest)
            #expect(isOwn)
            #expect(time < 5)
            #expect(try site.server.metrics()["serverfs_http_truncated_responses_total"] == 1)

            #expect(try site.fetch(via, "/other").bodyText == "other")
            // As long as the kernel believes in the old length, this is promised and broken off too.
            let isSeen = eventually(seconds: 2) { (try? site.fetch(via, "/large"))?.body.count == rest }
            #expect(isSeen)
        }

        @Test(arguments: Via.allCases)
        func aFileDeletedWhileItIsSentIsSentToItsEnd(_ via: Via) throws {
            let connection = try site.connect(via, receiveBufferBytes: 16384)
            try connection.socket.send(HTTPConnection.request("/large"))
            usleep(100_000)
            unlink("\(site.docroot)/large")
            #expect(try connection.receiveResponse().body == RandomBytes.make(Self.sizeBytes))
        }

        @Test(arguments: Via.allCases)
        func aFileReplacedWhileItIsSentIsSentToItsEnd(_ via: Via) throws {
            let connection = try site.connect(via, receiveBufferBytes: 16384)
            try connection.socket.send(HTTPConnection.request("/large"))
            usleep(100_000)
            try site.write("next", "another file")
            rename("\(site.docroot)/next", "\(site.docroot)/large")
            #expect(try connection.receiveResponse().body == RandomBytes.make(Self.sizeBytes))
        }
    }
}

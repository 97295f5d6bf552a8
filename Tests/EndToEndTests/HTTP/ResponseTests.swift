import Glibc
import Platform
import Testing

extension EndToEnd {
    /// What a request that is right is answered.
    @Suite(.timeLimit(.minutes(1)))
    struct ResponseTests {
        private let site: Site

        init() throws {
            site = try Site([
                "index.html": "<p>root", "file.txt": "some text", "empty": "", "with/index.html": "<p>with",
                "without/file": "inside", "new\nline/index.html": "odd", "a folder ?/index.html": "odd too",
                "folder.html/index.html": "a folder by that name",
            ])
        }

        @Test(arguments: Via.allCases)
        func headSaysWhatGetSaysWithoutTheBody(_ via: Via) throws {
            let connection = try site.connect(via)
            for target in ["/file.txt", "/", "/empty", "/missing", "/with", "/without/"] {
                let get = try connection.exchange(target)
                let head = try connection.exchange(target, method: "HEAD")
                #expect(head.status == get.status)
                #expect(head.fileFields == get.fileFields)
            }
            #expect(try connection.exchange("/file.txt").bodyText == "some text")
        }

        @Test(arguments: Via.allCases)
        func aFolderIsAnsweredWithItsIndex(_ via: Via) throws {
            #expect(try site.fetch(via, "/").bodyText == "<p>root")
            #expect(try site.fetch(via, "/with/").bodyText == "<p>with")
            #expect(try site.fetch(via, "/with/").fileFields.contains("Content-Type: text/html; charset=utf-8"))
            #expect(try site.fetch(via, "/folder.html/").bodyText == "a folder by that name")
        }

        @Test(
            arguments: Via.allCases,
            [
                ("/with", "/with/"), ("/with?a=b&c=%20", "/with/?a=b&c=%20"), ("/with?", "/with/?"),
                ("//with", "/with/"), ("/./without/../with", "/with/"), ("/new%0Aline", "/new%0Aline/"),
                ("/a%20folder%20%3F", "/a%20folder%20%3F/"), ("/%77ith", "/with/"), ("/without", "/without/"),
            ])
        func aFolderWithoutItsSlashIsRedirected(_ via: Via, _ target: (String, String)) throws {
            let response = try site.fetch(via, target.0)
            #expect(response.status == 301)
            #expect(response["Location"] == target.1)
            #expect(response.body.isEmpty)
        }

        @Test(arguments: Via.allCases)
        func aFolderWithoutAnIndexIsForbidden(_ via: Via) throws {
            let response = try site.fetch(via, "/without/")
            #expect(response.status == 403)
            #expect(!response.bodyText.contains("file"))
        }

        @Test(
            arguments: Via.allCases,
            ["/missing", "/missing/", "/file.txt/", "/file.txt/x", "/with/missing", "/INDEX.HTML", "/file.txt%20"])
        func whatIsNotThereIsNotFound(_ via: Via, _ target: String) throws {
            let response = try site.fetch(via, target)
            #expect(response.status == 404)
            #expect(response.bodyText == "404 Not Found\n")
        }

        @Test(arguments: [
            "/file.txt?query", "/file.txt?/../x", "/with/../file.txt", "/./file.txt", "//file.txt",
            "/%66ile.txt", "http://localhost/file.txt", "http://elsewhere:80/file.txt", "/with%2F..%2Ffile.txt",
        ])
        func oneFileHasManyTargets(_ target: String) throws {
            #expect(try site.fetch(.mount, target).bodyText == "some text")
        }

        @Test(arguments: [
            ("a.html", "text/html; charset=utf-8"), ("a.HTML", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"), ("a.js", "text/javascript; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"), ("a.json", "application/json"), ("a.png", "image/png"),
            ("a.jpeg", "image/jpeg"), ("a.svg", "image/svg+xml"), ("a.webp", "image/webp"), ("a.woff2", "font/woff2"),
            ("a.pdf", "application/pdf"), ("a.tar.gz", "application/gzip"), ("a.mp4", "video/mp4"),
            ("a.wasm", "application/wasm"), ("a", "application/octet-stream"), ("a.", "application/octet-stream"),
            (".html", "application/octet-stream"), ("a.unknown", "application/octet-stream"),
        ])
        func theMediaTypeIsTheExtensions(_ file: (name: String, type: String)) throws {
            try site.write("types/\(file.name)", "x")
            #expect(try site.fetch(.mount, "/types/\(file.name)")["Content-Type"] == file.type)
        }

        @Test func theDateIsNow() throws {
            for _ in 0..<3 {
                let date = try site.fetch(.mount, "/file.txt")["Date"]
                let now = Clock.unixSeconds
                #expect((now - 2...now + 1).map(httpDate).contains(date ?? ""))
                usleep(700_000)
            }
        }

        @Test(arguments: Via.allCases)
        func lastModifiedIsTheFilesTime(_ via: Via) throws {
            let time = timespec(tv_sec: 784_111_777, tv_nsec: 999_999_999)
            utimensat(AT_FDCWD, "\(site.docroot)/file.txt", [time, time], 0)
            #expect(try site.fetch(via, "/file.txt")["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT")
        }

        @Test func anEmptyFileHasAnEmptyBody() throws {
            let connection = try site.connect(.mount)
            #expect(try connection.exchange("/empty").contentLength == 0)
            #expect(try connection.exchange("/file.txt").bodyText == "some text")
        }
    }
}

/// A time as HTTP writes it (IMF-fixdate).
func httpDate(_ unixSeconds: Int64) -> String {
    var time = time_t(unixSeconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

import Testing

@testable import HTTPMessage

@Suite struct MediaTypeTests {
    private func type(_ path: String) -> String {
        withGuarded(Array(path.utf8)) { MediaType.named(byPath: $0).description }
    }

    @Test(arguments: [
        ("index.html", "text/html; charset=utf-8"), ("a/b/app.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"), ("a.wasm", "application/wasm"), ("a.avif", "image/avif"),
        ("a.woff2", "font/woff2"), ("a.JPG", "image/jpeg"), ("A.Css", "text/css; charset=utf-8"),
        ("a.tar.gz", "application/gzip"), ("site.webmanifest", "application/manifest+json"),
        ("a.7z", "application/x-7z-compressed"),
        ("a.3gp", "video/3gpp"), ("d.ir/.x/a.svg", "image/svg+xml"), ("..svg", "image/svg+xml"),
        ("a.txt", "text/plain; charset=utf-8"),
    ])
    func extensionsHaveTypes(path: String, expected: String) { #expect(type(path) == expected) }

    @Test(arguments: [
        "", "a", ".", "..", "a.", ".html", "a/.html", "html", "a.html/b", "a.html/", "a.nosuch", "a.htm\u{0}", "a.h[ml",
        "a.\u{e9}", "a.htmlhtmlhtmlhtmlhtml", "a.1234567890123456", "a.12345678901234567", "a.ht ml", "/.",
    ])
    func everythingElseIsBytes(path: String) { #expect(type(path) == "application/octet-stream") }

    @Test func everyRowIsFoundAndNoneIsTwice() {
        let keys = MediaType.entries.map(\.key)
        #expect(Set(keys).count == keys.count)
        for entry in MediaType.entries {
            var key = entry.key
            var name: [UInt8] = []
            while key > 0 {
                name.insert(UInt8(truncatingIfNeeded: key), at: 0)
                key >>= 8
            }
            let path = "a." + String(decoding: name, as: UTF8.self)
            #expect(type(path) == entry.type.description)
            #expect(type(path.uppercased()) == entry.type.description)
        }
    }

    @Test func textTypesNameTheirCharset() {
        for entry in MediaType.entries where entry.type.description.hasPrefix("text/") {
            #expect(entry.type.description.hasSuffix("; charset=utf-8"))
        }
    }
}

import HTTPMessage
import Testing

@Suite struct RequestPathTests {
    /// What a target names: the bytes of the path, and the rest of the result.
    private struct Decoded: Equatable {
        var path: [UInt8]
        var isDirectory: Bool
        var query: [UInt8]?
    }

    private func decode(_ target: [UInt8], outputBytes: Int = 4096) -> Result<Decoded, RequestError> {
        let memory = GuardedMemory(bytesMax: outputBytes)
        let output = memory.tail(outputBytes)
        output.initializeMemory(as: UInt8.self, repeating: 0xAA)
        return withExtendedLifetime(memory) {
            withGuarded(target) { bytes in
                do throws(RequestError) {
                    let path = try RequestPath.decode(target: bytes, into: output)
                    #expect(output[path.byteCount] == 0)
                    let query = path.query.isPresent ? Array(target[path.query.range]) : nil
                    return .success(
                        Decoded(path: Array(output[..<path.byteCount]), isDirectory: path.isDirectory, query: query))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func expect(
        _ target: String, _ path: String, isDirectory: Bool = false, query: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let expected = Decoded(path: Array(path.utf8), isDirectory: isDirectory, query: query.map { Array($0.utf8) })
        #expect(decode(Array(target.utf8)) == .success(expected), "\(target)", sourceLocation: sourceLocation)
    }

    @Test func plainTargetsArePaths() {
        expect("/", "", isDirectory: true)
        expect("/a", "a")
        expect("/a/b.html", "a/b.html")
        expect("/a/b/", "a/b", isDirectory: true)
        expect("/a+b", "a+b")
        expect("/a:b@c;d,e!$&'()*=~[]|\\^{}\"<>", "a:b@c;d,e!$&'()*=~[]|\\^{}\"<>")
    }

    @Test func queriesAreSplitOffRaw() {
        expect("/a?", "a", query: "")
        expect("/a?b=%2e&c?d", "a", query: "b=%2e&c?d")
        expect("/?/../..", "", isDirectory: true, query: "/../..")
        expect("/a/?x", "a", isDirectory: true, query: "x")
        expect("/a%3Fb", "a?b")
    }

    @Test func absoluteTargetsLoseTheirAuthority() {
        expect("http://host/a?b", "a", query: "b")
        expect("HTTPS://[::1]:80/a/", "a", isDirectory: true)
        expect("http://host", "", isDirectory: true)
        expect("http://host?q", "", isDirectory: true, query: "q")
        expect("http://host//a", "a")
    }

    @Test(arguments: [
        "", "*", "a", "a/b", "?", "host:80", "http:/a", "http:a", "http://", "http:///a", "http://?a", "http://u@h/a",
        "http://:80/", "http://h:x/a", "ftp://h/a", "httpx://h/a", "file:///etc/passwd", "http", "http:", "://h/", "/#",
        "/a b", "/\u{1}", "/caf\u{e9}", "/\u{7f}", "http://h%zz/", "\\a", "%2Fa",
    ])
    func otherFormsAreBad(target: String) { #expect(decode(Array(target.utf8)) == .failure(.badRequest)) }

    @Test func escapesAreDecodedOnce() {
        expect("/%41%62c", "Abc")
        expect("/%2541", "%41")
        expect("/%20%3f%23%25", " ?#%")
        expect("/a%2Fb%2f", "a/b", isDirectory: true)
        expect("/%0d%0a%01", "\r\n\u{1}")
        #expect(
            decode(Array("/%fF%80".utf8)) == .success(Decoded(path: [0xFF, 0x80], isDirectory: false, query: nil)))
    }

    @Test(arguments: ["/%", "/%4", "/%4?", "/%g1", "/%1g", "/% 1", "/%%41", "/%00", "/a%00.html", "/%u0041", "/%-1"])
    func badEscapesAreBad(target: String) { #expect(decode(Array(target.utf8)) == .failure(.badRequest)) }

    @Test func dotSegmentsAndRepeatedSlashesAreResolved() {
        expect("//a///b//", "a/b", isDirectory: true)
        expect("/./a/./b/.", "a/b", isDirectory: true)
        expect("/a/../b", "b")
        expect("/a/b/../../c/", "c", isDirectory: true)
        expect("/a/b/..", "a", isDirectory: true)
        expect("/a/..", "", isDirectory: true)
        expect("/a//../b", "b")
        expect("/.", "", isDirectory: true)
        expect("/.../..a/.b/a..", ".../..a/.b/a..")
        expect("/%2e/%2E%2e/a".replacing("/%2E%2e", with: ""), "a")
        expect("/x/%2e%2E/a", "a")
        expect("/x/.%2e/a", "a")
        expect("/x%2f..%2fa", "a")
    }

    @Test(arguments: [
        "/..", "/../", "/../a", "/a/../..", "/a/../../b", "/./..", "//..", "/%2e%2e", "/%2e%2e%2fa", "/..%2f",
        "/a/..%2f..%2f", "http://h/..",
    ])
    func nothingLeadsAboveTheRoot(target: String) { #expect(decode(Array(target.utf8)) == .failure(.badRequest)) }

    @Test func aPathMustFitWithItsNul() {
        for outputBytes in [1, 2, 5, 100, 4096] {
            let longest = [UInt8](repeating: UInt8(ascii: "a"), count: outputBytes - 1)
            let slash = [UInt8(ascii: "/")]
            for tail in [[], slash, slash + slash] {
                #expect(
                    decode(slash + longest + tail, outputBytes: outputBytes)
                        == .success(
                            Decoded(path: longest, isDirectory: longest.isEmpty || !tail.isEmpty, query: nil)))
            }
            #expect(decode(slash + longest + [UInt8(ascii: "a")], outputBytes: outputBytes) == .failure(.targetTooLong))
        }
        #expect(decode(Array("/".utf8), outputBytes: 0) == .failure(.targetTooLong))
        let long = Array(("/" + String(repeating: "a", count: 4096)).utf8)
        #expect(decode(long, outputBytes: 8192) == .failure(.targetTooLong))
    }

    @Test func manyDotSegmentsAreLinear() {
        expect("/a" + String(repeating: "/b/..", count: 1600), "a", isDirectory: true)
    }

    @Test func randomTargetsAreResolvedAsByAPlainImplementation() {
        var generator = SeededGenerator(state: 4)
        let pieces = ["/", "/", "/", ".", "..", "a", "bc", "%2e", "%2F", "%41", "?", "%"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...10, using: &generator)
            let target = "/" + (0..<count).map { _ in pieces.randomElement(using: &generator)! }.joined()
            let outcome = decode(Array(target.utf8), outputBytes: 64)
            #expect(outcome == reference(target), "\(target)")
        }
    }

    /// Slow and plain: split, decode, then walk the segments.
    private func reference(_ target: String) -> Result<Decoded, RequestError> {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var decoded = ""
        var rest = parts[0]
        while let character = rest.popFirst() {
            if character == "%" {
                guard rest.count >= 2, let value = UInt8(rest.prefix(2), radix: 16) else {
                    return .failure(.badRequest)
                }
                decoded.append(Character(Unicode.Scalar(value)))
                rest = rest.dropFirst(2)
            } else {
                decoded.append(character)
            }
        }
        var path: [Substring] = []
        let segments = decoded.split(separator: "/", omittingEmptySubsequences: false)
        for segment in segments where !segment.isEmpty && segment != "." {
            if segment != ".." {
                path.append(segment)
            } else if path.popLast() == nil {
                return .failure(.badRequest)
            }
        }
        return .success(
            Decoded(
                path: path.joined(separator: "/").unicodeScalars.map { UInt8($0.value) },
                isDirectory: ["", ".", ".."].contains(segments.last!),
                query: parts.count > 1 ? Array(parts[1].utf8) : nil))
    }
}

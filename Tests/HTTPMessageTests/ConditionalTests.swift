import HTTPMessage
import Testing

@Suite struct ConditionalTests {
    private let tag = EntityTag(size: 1000, modificationTimeNanoseconds: 784_111_777_500_000_000)
    private let own = "\"ae1b981da166f00-3e8\""
    private let modified: Int64 = 784_111_777
    private let now: Int64 = 1_784_000_000
    private let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    /// Asks both questions about a request with these field lines.
    private func ask(_ fields: [String], method: String = "GET") throws -> (Conditional.Outcome, ByteRange) {
        let text = "\(method) / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
        let head = try HTTPMessageTests.head(text)
        return withGuarded(Array(text.utf8)) { bytes in
            (
                Conditional.evaluate(
                    head, in: bytes, entityTag: tag, lastModifiedSeconds: modified, nowSeconds: now),
                Conditional.range(head, in: bytes, entityTag: tag, lastModifiedSeconds: modified, nowSeconds: now)
            )
        }
    }

    private func outcome(_ fields: String...) throws -> Conditional.Outcome { try ask(fields).0 }

    private func range(_ fields: String...) throws -> ByteRange { try ask(fields + ["Range: bytes=0-9"]).1 }

    @Test func theTagIsAsExpected() { #expect(text(tag) == own) }

    @Test func withoutConditionsARequestProceeds() throws { #expect(try outcome() == .proceed) }

    @Test func ifNoneMatchComparesWeakly() throws {
        #expect(try outcome("If-None-Match: \(own)") == .notModified)
        #expect(try outcome("If-None-Match: \"x\", W/\(own)") == .notModified)
        #expect(try outcome("If-None-Match: *") == .notModified)
        #expect(try outcome("If-None-Match: \"x\"") == .proceed)
        #expect(try ask(["If-None-Match: \(own)"], method: "HEAD").0 == .notModified)
    }

    @Test func ifNoneMatchHidesIfModifiedSince() throws {
        #expect(try outcome("If-None-Match: \"x\"", "If-Modified-Since: \(date)") == .proceed)
        #expect(try outcome("If-None-Match: \(own)", "If-Modified-Since: \(before)") == .notModified)
        #expect(try outcome("If-None-Match:", "If-Modified-Since: \(date)") == .proceed)
    }

    @Test func ifModifiedSinceComparesSeconds() throws {
        #expect(try outcome("If-Modified-Since: \(before)") == .proceed)
        #expect(try outcome("If-Modified-Since: \(date)") == .notModified)
        #expect(try outcome("If-Modified-Since: \(after)") == .notModified)
        #expect(try outcome("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT") == .notModified)
        #expect(try outcome("If-Modified-Since: Sun Nov  6 08:49:37 1994") == .notModified)
        #expect(try outcome("If-Modified-Since: tomorrow") == .proceed)
        #expect(try outcome("If-Modified-Since:") == .proceed)
    }

    @Test func repeatedFieldsNeverMatch() throws {
        #expect(try outcome("If-None-Match: \(own)", "If-None-Match: \(own)") == .proceed)
        #expect(
            try outcome("If-None-Match: \(own)", "If-None-Match: \(own)", "If-Modified-Since: \(date)") == .proceed)
        #expect(try outcome("If-Modified-Since: \(date)", "If-Modified-Since: \(date)") == .proceed)
        #expect(try range("Range: bytes=0-9") == .whole)
        #expect(try range("If-Range: \(own)", "If-Range: \(own)") == .whole)
    }

    @Test func aRangeAppliesToGetOnly() throws {
        #expect(try range() == .partial(first: 0, count: 10))
        #expect(try ask(["Range: bytes=0-9"], method: "HEAD").1 == .whole)
        #expect(try ask([]).1 == .whole)
        #expect(try ask(["Range: bytes=1000-"]).1 == .unsatisfiable)
    }

    @Test func ifRangeLetsTheRangeApplyToTheSameContentOnly() throws {
        let partial = ByteRange.partial(first: 0, count: 10)
        #expect(try range("If-Range: \(own)") == partial)
        #expect(try range("If-Range: \(date)") == partial)
        #expect(try range("If-Range: Sunday, 06-Nov-94 08:49:37 GMT") == partial)
        for value in ["W/\(own)", "\"x\"", "*", before, after, "", "x", "\(own), \(own)"] {
            #expect(try range("If-Range: \(value)") == .whole, "\(value)")
        }
        #expect(try ask(["If-Range: \(own)", "Range: bytes=1000-"]).1 == .unsatisfiable)
        #expect(try ask(["If-Range: \"x\"", "Range: bytes=1000-"]).1 == .whole)
    }
}

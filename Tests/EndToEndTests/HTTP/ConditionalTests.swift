import Glibc
import Testing

extension EndToEnd {
    /// Conditional and range requests.
    @Suite(.timeLimit(.minutes(1)))
    struct ConditionalTests {
        private let site: Site
        private static let modified: Int64 = 1_700_000_000
        private static let content = "0123456789abcdefghij"

        init() throws {
            site = try Site(["file": Self.content, "empty": ""])
            let time = timespec(tv_sec: Int(Self.modified), tv_nsec: 123_456_789)
            utimensat(AT_FDCWD, "\(site.docroot)/file", [time, time], 0)
        }

        @Test(arguments: Via.allCases)
        func aTagThatMatchesIsNotModified(_ via: Via) throws {
            let connection = try site.connect(via)
            let tag = try #require(try connection.exchange("/file")["ETag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count > 2)
            for value in [tag, "W/\(tag)", "*", "\"other\", \(tag)", "\"a\",\(tag),\"b\""] {
                for method in ["GET", "HEAD"] {
                    let response = try connection.exchange("/file", method: method, fields: ["If-None-Match: \(value)"])
                    #expect(response.status == 304)
                    #expect(response["ETag"] == tag)
                    #expect(response["Date"] != nil)
                }
            }
            #expect(try connection.exchange("/file").bodyText == Self.content)
        }

        @Test(arguments: Via.allCases)
        func aTagThatDoesNotMatchIsServed(_ via: Via) throws {
            let connection = try site.connect(via)
            let tag = try #require(try connection.exchange("/file")["ETag"])
            for value in ["\"other\"", "W/\"other\"", String(tag.dropFirst().dropLast()), "", "\"\""] {
                let response = try connection.exchange("/file", fields: ["If-None-Match: \(value)"])
                #expect(response.status == 200, "\(value)")
                #expect(response.bodyText == Self.content)
            }
        }

        @Test(arguments: Via.allCases)
        func aDateIsComparedInWholeSeconds(_ via: Via) throws {
            let connection = try site.connect(via)
            func status(_ value: String) throws -> Int {
                try connection.exchange("/file", fields: ["If-Modified-Since: \(value)"]).status
            }
            #expect(try status(httpDate(Self.modified)) == 304)
            #expect(try status(httpDate(Self.modified + 1)) == 304)
            #expect(try status(httpDate(Self.modified - 1)) == 200)
            #expect(try status("yesterday") == 200)
            #expect(try status("") == 200)
        }

        @Test func theTagDecidesWhereBothAreGiven() throws {
            let date = "If-Modified-Since: \(httpDate(Self.modified))"
            #expect(try site.fetch(.mount, "/file", fields: ["If-None-Match: \"other\"", date]).status == 200)
            let tag = try #require(try site.fetch(.mount, "/file")["ETag"])
            let older = "If-Modified-Since: \(httpDate(0))"
            #expect(try site.fetch(.mount, "/file", fields: [older, "If-None-Match: \(tag)"]).status == 304)
        }

        @Test(
            arguments: Via.allCases,
            [
                ("bytes=0-0", 0, 1), ("bytes=0-", 0, 20), ("bytes=5-9", 5, 5), ("bytes=19-19", 19, 1),
                ("bytes=-1", 19, 1), ("bytes=-20", 0, 20), ("bytes=-100", 0, 20),
                ("bytes=10-99999999999999999999", 10, 10),
                ("BYTES=1-2", 1, 2), ("bytes=0-19", 0, 20),
            ])
        func aRangeIsServedAsAPart(_ via: Via, _ range: (value: String, first: Int, count: Int)) throws {
            let response = try site.fetch(via, "/file", fields: ["Range: \(range.value)"])
            let last = range.first + range.count - 1
            #expect(response.status == 206)
            #expect(response["Content-Range"] == "bytes \(range.first)-\(last)/20")
            #expect(response.bodyText == Self.content.dropFirst(range.first).prefix(range.count))
        }

        @Test(
            arguments: Via.allCases,
            [
                "bytes=9-5", "bytes=0-1,3-4", "lines=0-1", "bytes", "bytes=", "bytes=-", "bytes=a-b", "0-1", "bytes=1",
                "bytes=--1", "bytes=1-2-3", "bytes=+1-2",
            ])
        func aRangeThatIsNotUnderstoodIsIgnored(_ via: Via, _ range: String) throws {
            let response = try site.fetch(via, "/file", fields: ["Range: \(range)"])
            #expect(response.status == 200)
            #expect(response.bodyText == Self.content)
        }

        @Test(arguments: Via.allCases, ["bytes=20-", "bytes=20-30", "bytes=99999999999999999999-", "bytes=-0"])
        func aRangeBeyondTheEndIsNotSatisfiable(_ via: Via, _ range: String) throws {
            let connection = try site.connect(via)
            let response = try connection.exchange("/file", fields: ["Range: \(range)"])
            #expect(response.status == 416)
            #expect(response["Content-Range"] == "bytes */20")
            #expect(try connection.exchange("/file").bodyText == Self.content)
        }

        @Test func rangesDoNotApplyToHeadOrAnEmptyFile() throws {
            #expect(try site.fetch(.mount, "/file", method: "HEAD", fields: ["Range: bytes=0-1"]).status == 200)
            #expect(try site.fetch(.mount, "/empty", fields: ["Range: bytes=-5"]).status == 200)
            #expect(try site.fetch(.mount, "/empty", fields: ["Range: bytes=0-"]).status == 416)
        }

        @Test(arguments: Via.allCases)
        func ifRangeServesThePartOnlyOfTheSameFile(_ via: Via) throws {
            let connection = try site.connect(via)
            let tag = try #require(try connection.exchange("/file")["ETag"])
            func status(_ value: String) throws -> Int {
                try connection.exchange("/file", fields: ["Range: bytes=1-2", "If-Range: \(value)"]).status
            }
            #expect(try status(tag) == 206)
            #expect(try status(httpDate(Self.modified)) == 206)
            #expect(try status("W/\(tag)") == 200)
            #expect(try status("\"other\"") == 200)
            #expect(try status(httpDate(Self.modified + 1)) == 200)
            #expect(try status("nonsense") == 200)
        }

        @Test func aPartIsNotSentWhereNothingIsModified() throws {
            let tag = try #require(try site.fetch(.mount, "/file")["ETag"])
            let fields = ["Range: bytes=0-1", "If-None-Match: \(tag)"]
            #expect(try site.fetch(.mount, "/file", fields: fields).status == 304)
        }
    }
}

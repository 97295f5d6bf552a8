import Platform
import Testing

extension EndToEnd {
    /// `--server-timing`: what each response says of its own request.
    @Suite(.timeLimit(.minutes(1)))
    struct ServerTimingTests {
        /// The metrics of a Server-Timing field: durations in milliseconds, and descriptions.
        private struct Timing {
            var durations: [String: Double] = [:]
            var descriptions: [String: String] = [:]

            init(_ response: HTTPResponse) throws {
                let field = try #require(response["Server-Timing"])
                // A comma may also be in a description.
                for (index, part) in field.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
                    if index % 2 == 1 {
                        descriptions[last] = String(part)
                        continue
                    }
                    for metric in part.split(separator: ",") {
                        let pieces = metric.drop { $0 == " " }.split(separator: ";")
                        guard let name = pieces.first else { continue }
                        if !name.hasPrefix("desc=") { last = String(name) }
                        for piece in pieces where piece.hasPrefix("dur=") {
                            durations[last] = Double(piece.dropFirst(4))
                        }
                    }
                }
            }

            private var last = ""
        }

        @Test(arguments: Via.allCases)
        func aResponseSaysWhatItsRequestHasCostSoFar(_ via: Via) throws {
            let site = try Site(["file": "content"], options: ["--server-timing"])
            let started = Clock.monotonicNanoseconds
            let timing = try Timing(site.fetch(via, "/file"))
            let milliseconds = Double(Clock.monotonicNanoseconds - started) / 1e6
            let total = try #require(timing.durations["total"])
            #expect(total > 0 && total < milliseconds)
            let parts = ["queue", "parse", "resolve", "statx", "open", "prepare"].compactMap { timing.durations[$0] }
            #expect(parts.count >= 5)
            // Each is rounded up to a microsecond.
            #expect(abs(parts.reduce(0, +) - total) < 0.001 * Double(parts.count) + 0.0005)
            let fileSystem = try #require(timing.durations[via == .mount ? "mount" : "docroot"])
            #expect(fileSystem > 0 && fileSystem <= total)
            #expect(timing.durations[via == .mount ? "docroot" : "mount"] == nil)
            #expect(
                timing.descriptions["fuse"]?.hasSuffix("request") == true
                    || timing.descriptions["fuse"]?.hasSuffix("requests") == true)
            #expect(timing.descriptions["switches"]?.hasSuffix(" involuntary") == true)
        }

        @Test func everyStatusHasIt() throws {
            let site = try Site(["file": "content", "folder/index.html": "index"], options: ["--server-timing"])
            let tag = try #require(try site.fetch(.mount, "/file")["ETag"])
            for (target, fields, status) in [
                ("/missing", [], 404), ("/folder", [], 301), ("/file", ["If-None-Match: \(tag)"], 304),
                ("/file", ["Range: bytes=1-2"], 206), ("/file", ["Range: bytes=100-"], 416), ("/../x", [], 400),
            ] {
                let response = try site.fetch(.mount, target, fields: fields)
                #expect(response.status == status)
                #expect(try Timing(response).durations["total"] != nil)
            }
        }

        @Test func withoutTheOptionNothingIsSaid() throws {
            let site = try Site(["file": "content"])
            #expect(try site.fetch(.mount, "/file")["Server-Timing"] == nil)
        }

        @Test func aThreadThatWaitsForTheMountHasSwitched() throws {
            let site = try Site(["file": "content"], options: ["--server-timing", "--profile", "seed"])
            var switches = 0
            for _ in 1...20 {
                let timing = try Timing(site.fetch(.mount, "/file"))
                switches += Int(timing.descriptions["switches"]?.prefix { $0.isNumber } ?? "") ?? 0
            }
            // A FUSE thread has answered each of them.
            #expect(switches >= 20)
        }
    }
}

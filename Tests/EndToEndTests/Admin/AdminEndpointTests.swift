import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// What the admin side answers.
    @Suite(.timeLimit(.minutes(2)))
    struct AdminEndpointTests {
        @Test func healthIsOneWord() throws {
            let site = try AdminSite()
            let response = try site.admin.fetch("/healthz")
            #expect(response.status == 200)
            #expect(response.bodyText == "ok\n")
        }

        @Test func theStatusCountsWhatWasServed() throws {
            let site = try AdminSite(
                ["file": "bytes"], options: ["--fuse-open", "per-open", "--open-file-cache", "off"])
            for _ in 1...5 { #expect(try site.site.fetch(.mount, "/file").status == 200) }
            for _ in 1...3 { #expect(try site.site.fetch(.bypass, "/file").status == 200) }
            var status = try site.status()
            // Bytes are counted once they are sent.
            let areAllCounted = try eventually(seconds: 5) {
                status = try site.status()
                return status.number("http.mount.bodyBytes") == 25
            }
            #expect(areAllCounted, "\(status.number("http.mount.bodyBytes"))")
            #expect(status.number("pid") == Double(site.server.identifier))
            #expect(status.number("uptimeSeconds") > 0)
            #expect(abs(status.number("timeUnixSeconds") - Date().timeIntervalSince1970) < 60)
            #expect(status["bypass"] as? Bool == false)
            #expect(status["mounted"] as? Bool == true)
            #expect(status["degraded"] as? Bool == false)
            #expect(status["recordingTrace"] as? Bool == false)
            #expect(status.number("mountLosses") == 0)
            #expect(status.number("http.mount.requests") == 5)
            #expect(status.number("http.bypass.requests") == 3)
            #expect(status.number("http.connections.accepted") == 8)
            #expect(status.number("http.connections.open") <= 8)
            #expect(status.number("fuse.operations.open.requests") >= 5)
            #expect(status.number("fuse.inodes") >= 2)
        }

        @Test func theStatusNamesTheThreads() throws {
            let site = try AdminSite()
            var threads: [[String: Any]] = []
            // A thread takes its name when it first runs.
            let areNamed = try eventually(seconds: 5) {
                threads = try #require(try site.status()["threads"] as? [[String: Any]])
                let names = Set(threads.compactMap { $0["name"] as? String })
                return names.isSuperset(of: ["admin", "http-0", "http-1", "fuse-0", "fuse-1", "signals"])
            }
            #expect(areNamed)
            #expect(threads.allSatisfy { $0["processorNanoseconds"] is NSNumber })
        }

        @Test func theIntervalIsTheLastSecond() throws {
            let site = try AdminSite()
            // An interval may end in the middle of the requests.
            let isSeen = try eventually(seconds: 10) {
                for _ in 1...50 { #expect(try site.site.fetch(.mount, "/file").status == 200) }
                let status = try site.status()
                let seconds = status.number("interval.seconds")
                return seconds > 0.9 && status.number("interval.http.mount.requests") >= 25
            }
            #expect(isSeen)
            let isOver = try eventually(seconds: 10) { try site.status().number("interval.http.mount.requests") == 0 }
            #expect(isOver)
        }

        @Test(.enabled(if: Capability.isInstalled("promtool"), "promtool is not installed: make test installs it"))
        func prometheusTakesTheMetrics() throws {
            let site = try AdminSite()
            for via in Via.allCases { #expect(try site.site.fetch(via, "/file").status == 200) }
            let response = try site.admin.fetch("/metrics")
            #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(Metrics(response.bodyText).requests(via: "mount") == 1)
            let path = try site.site.folder.write("metrics", response.body)
            let promtool = try ChildProcess(["bash", "-c", "promtool check metrics <\(path)"], in: site.site.folder)
            #expect(promtool.wait(seconds: 20) == .exited(0))
            #expect(promtool.output + promtool.errorOutput == "")
        }

        @Test func theBypassIsSwitchedOnAndOff() throws {
            let site = try AdminSite()
            let kept = try site.site.connect(.mount)
            for (word, isOn) in [("on", true), ("on", true), ("off", false), (" off\n", false)] {
                let response = try site.admin.fetch("/bypass", method: "PUT", body: word)
                #expect(response.status == 200)
                #expect(response.bodyText == "{\"bypass\":\(isOn)}")
                let before = try site.status()
                #expect(try kept.exchange("/file").bodyText == "bytes")
                let after = try site.status()
                #expect(after["bypass"] as? Bool == isOn)
                let path = isOn ? "http.bypass.requests" : "http.mount.requests"
                #expect(after.number(path) == before.number(path) + 1)
            }
            for word in ["", "On", "true", "on off", String(repeating: "on", count: 400)] {
                #expect(try site.admin.fetch("/bypass", method: "PUT", body: word).status == 400)
            }
        }

        @Test func withoutAMountThereIsNothingToBypass() throws {
            let site = try AdminSite(options: ["--bypass"])
            #expect(try site.admin.fetch("/bypass", method: "PUT", body: "off").status == 409)
            #expect(try site.site.fetch(.mount, "/file").bodyText == "bytes")
            let status = try site.status()
            #expect(status["bypass"] is NSNull)
            #expect(status["mounted"] as? Bool == false)
            #expect(status.number("http.bypass.requests") == 1)
            #expect(try site.admin.fetch("/healthz").bodyText == "ok\n")
        }

        @Test func thePageAndItsFilesAreThere() throws {
            let site = try AdminSite()
            for (path, type) in [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")] {
                let response = try site.admin.fetch(path)
                #expect(response.status == 200)
                #expect(response["Content-Type"] == "\(type); charset=utf-8")
                #expect(response.body.count > 50)
                #expect(response["Content-Security-Policy"]?.contains("default-src 'none'") == true)
                #expect(response["Content-Security-Policy"]?.contains("frame-ancestors 'none'") == true)
                #expect(response["X-Content-Type-Options"] == "nosniff")
                #expect(response["Access-Control-Allow-Origin"] == nil)
            }
            let installed = ["chart.umd.js", "chart.min.js"].contains { name in
                access("/usr/share/javascript/chart.js/\(name)", R_OK) == 0
            }
            #expect(try site.admin.fetch("/chart.js").status == (installed ? 200 : 404))
        }

        @Test func headIsGetWithoutTheBody() throws {
            let site = try AdminSite()
            for path in ["/healthz", "/metrics", "/", "/page.js"] {
                let get = try site.admin.fetch(path)
                let head = try site.admin.fetch(path, method: "HEAD")
                #expect(head.status == 200)
                #expect(head.body.isEmpty)
                #expect(head["Content-Type"] == get["Content-Type"])
                #expect(head.contentLength == get.contentLength || path == "/metrics")
            }
            #expect(try site.admin.fetch("/events", method: "HEAD")["Content-Type"] == "text/event-stream")
        }

        @Test func whatIsNotThereOrNotAllowedIsSaid() throws {
            let site = try AdminSite()
            for path in ["/nothing", "/status/", "/..", "/%2e%2e/etc/passwd", "/file", "/healthz%00"] {
                #expect(try site.admin.fetch(path).status == 404)
            }
            for (path, method, allowed) in [
                ("/status", "POST", "GET, HEAD"), ("/", "DELETE", "GET, HEAD"), ("/bypass", "GET", "PUT"),
                ("/bypass", "POST", "PUT"), ("/trace?seconds=1", "GET", "POST"), ("/trace", "PUT", "POST"),
                ("/events", "OPTIONS", "GET, HEAD"), ("/status", "PATCH", "GET, HEAD"),
            ] {
                let response = try site.admin.fetch(path, method: method)
                #expect(response.status == 405)
                #expect(response["Allow"] == allowed)
            }
            #expect(try site.admin.fetch("http://127.0.0.1/status").status == 400)
            #expect(try site.admin.fetch("//127.0.0.1/status").status == 400)
            #expect(try site.admin.fetch("*", method: "OPTIONS").status == 400)
            #expect(try site.admin.fetch("/", method: "NONSENSE").status == 501)
        }

        @Test func aRequestThatIsTooLargeIsRefused() throws {
            let site = try AdminSite()
            let large = String(repeating: "x", count: 9000)
            #expect(try site.admin.fetch("/healthz", fields: ["X: \(large)"]).status >= 400)
            #expect(try site.admin.fetch("/bypass", method: "PUT", body: large).status == 413)
            #expect(try site.admin.fetch("/healthz").status == 200)
        }

        @Test func aLineOfStatusComesOnceASecond() throws {
            let site = try AdminSite()
            let stopwatch = Stopwatch()
            let stream = try site.admin.open("/events")
            var text = ""
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
            defer { buffer.deallocate() }
            while text.components(separatedBy: "event: status\ndata: {").count < 5 {
                let count = try stream.receive(into: buffer)
                try #require(count > 0)
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            #expect(stopwatch.wallSeconds >= 2)
            #expect(stopwatch.seconds <= 8)
            #expect(text.contains("Content-Type: text/event-stream\r\n"))
        }

        @Test func eventsGoToSixteenAndTheirPlacesAreFreeAgain() throws {
            let site = try AdminSite()
            var streams = try (0..<16).map { _ in try site.admin.stream("/events") }
            #expect(try site.admin.fetch("/events").status == 503)
            #expect(try site.admin.fetch("/healthz").status == 200)
            streams.removeAll()
            let isFree = eventually(seconds: 5) { (try? site.admin.stream("/events")) != nil }
            #expect(isFree)
        }
    }
}

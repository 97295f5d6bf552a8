import Foundation
import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// The admin side's page in a real browser, against a real server.
    @Suite(.timeLimit(.minutes(6)), .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"))
    struct PageTests {
        @Test func figuresAndChartsMoveUnderLoad() throws {
            let page = try AdminPage(["--profile", "seed"])
            let done = SharedFlag()
            let clients = try page.load(page.server.ports, until: done)
            defer { done.set() }
            for via in Via.allCases {
                #expect(try page.becomes("rate-\(via)", above: 10))
                #expect(try page.becomes("bytes-\(via)") { $0.hasSuffix("MB/s") || $0.hasSuffix("GB/s") })
                for figure in ["p50", "p99", "allp50", "allp99"] {
                    #expect(try page.becomes("\(figure)-\(via)") { $0.hasSuffix("µs") || $0.hasSuffix("ms") })
                }
            }
            // The report's proxy makes several FUSE requests of each; the bypass makes none.
            #expect(try page.becomes("fuse-mount", above: 3))
            #expect(try page.becomes("fuse-bypass", "0"))
            for kind in ["lookup", "open", "read", "release"] {
                #expect(try page.becomes("fuse-table") { $0.contains(kind) }, "\(kind)")
            }
            for thread in ["http-0", "http-1", "fuse-0"] {
                #expect(try page.becomes("thread-table") { $0.contains(thread) }, "\(thread)")
            }
            for phase in ["queue", "open", "read", "send", "together"] {
                #expect(try page.becomes("phase-table") { $0.contains(phase) }, "\(phase)")
            }
            // What is in effect, and what was asked for where that is something else.
            #expect(try page.becomes("options") { $0.contains("copy (mount), sendfile (bypass) (asked for: auto)") })
            #expect(try page.becomes("options") { $0.contains("profileseed") })
            #expect(try page.becomes("counts") { $0.contains("connections open2") })
            for chart in ["rate", "latency", "switches", "fuse", "threads"] {
                let before = try picture(page, chart)
                let hasMoved = try eventually(seconds: 30) { try picture(page, chart) != before }
                #expect(hasMoved, "\(chart)")
                #expect(try page.driver.label("#chart-\(chart)").contains("Now: "), "\(chart)")
            }
            #expect(try page.complaints() == [])
            done.set()
            try clients.join()
            #expect(page.browser.end())
        }

        /// Everything drawn on a chart.
        private func picture(_ page: AdminPage, _ chart: String) throws -> String {
            try page.driver.run("return document.getElementById('chart-\(chart)').toDataURL()") as? String ?? ""
        }

        /// Where bytes come from: FUSE's own counters say whether the switch did what it says.
        @Test func theBypassSwitchChangesWhereBytesComeFrom() throws {
            let page = try AdminPage(["--profile", "seed"])
            let done = SharedFlag()
            let clients = try page.load([page.server.port], until: done)
            defer { done.set() }
            #expect(try page.becomesUsable("bypass"))
            #expect(try page.driver.role("#bypass") == "switch")
            #expect(try page.driver.label("#bypass") == "Bypass")
            for isOn in [true, false] {
                if isOn {
                    try page.driver.click("#bypass")
                } else {
                    // The same by keyboard.
                    try page.driver.run("document.getElementById('bypass').focus()")
                    try page.driver.press(" ")
                }
                #expect(try page.eventuallyHolds("document.getElementById('bypass').ariaChecked === '\(isOn)'"))
                #expect(try page.becomes("state", isOn ? "bypass on" : "mounted"))
                // What was under way when it was turned may still be counted.
                let isTurned = try eventually(seconds: 20) {
                    let before = try Counts(page.status())
                    let hasMoved = try eventually(seconds: 20) {
                        let now = try Counts(page.status())
                        return (isOn ? now.bypass - before.bypass : now.mount - before.mount) > 20
                    }
                    let after = try Counts(page.status())
                    let isMountStill = after.mount == before.mount
                    let areReadsStill = after.fuseReads == before.fuseReads
                    let isBypassStill = after.bypass == before.bypass
                    return hasMoved && isMountStill == isOn && areReadsStill == isOn && isBypassStill != isOn
                }
                #expect(isTurned, "\(isOn)")
                #expect(try page.becomes(isOn ? "rate-bypass" : "rate-mount", above: 0))
                #expect(try page.becomes(isOn ? "rate-mount" : "rate-bypass", "0"))
            }
            #expect(try page.driver.text("bypass-error") == "")
            #expect(try page.complaints() == [])
            done.set()
            try clients.join()
        }

        /// Requests by path, and how often FUSE has read.
        private struct Counts {
            let mount: Int
            let bypass: Int
            let fuseReads: Int

            init(_ status: [String: Any]) throws {
                func requests(_ path: String...) throws -> Int {
                    var value = status
                    for name in path { value = try #require(value[name] as? [String: Any]) }
                    return try #require(value["requests"] as? Int)
                }
                mount = try requests("http", "mount")
                bypass = try requests("http", "bypass")
                fuseReads = try requests("fuse", "operations", "read")
            }
        }

        /// Times go and come back, whoever turns it; counts never go.
        @Test func theTelemetrySwitchChangesWhetherTimesAreTaken() throws {
            let page = try AdminPage(["--profile", "seed"])
            let done = SharedFlag()
            let clients = try page.load([page.server.port], until: done)
            defer { done.set() }
            #expect(try page.becomesUsable("telemetry"))
            #expect(try page.driver.role("#telemetry") == "switch")
            #expect(try page.driver.label("#telemetry") == "Telemetry")
            func click() throws { try page.driver.click("#telemetry") }
            func turnElsewhere() throws {
                let admin = AdminClient(port: page.server.adminPort)
                #expect(try admin.fetch("/telemetry", method: "PUT", body: "on").status == 200)
            }
            func press() throws {
                try page.driver.run("document.getElementById('telemetry').focus()")
                try page.driver.press(" ")
            }
            func counts() throws -> (requests: Int, latencies: Int) {
                let http = try #require(try page.status()["http"] as? [String: Any])
                let mount = try #require(http["mount"] as? [String: Any])
                let requests = try #require(mount["requests"] as? Int)
                let latencies = try #require((mount["latency"] as? [String: Any])?["count"] as? Int)
                return (requests, latencies)
            }
            for (isOn, turn) in [(false, click), (true, turnElsewhere), (false, press)] {
                try turn()
                #expect(try page.eventuallyHolds("document.getElementById('telemetry').ariaChecked === '\(isOn)'"))
                #expect(try page.becomes("telemetry-text") { $0.hasPrefix(isOn ? "On: " : "Off: ") })
                #expect(try page.becomes("notices") { $0.contains("Times are not measured") != isOn })
                #expect(try page.becomes("options") { $0.contains("off (asked for: on)") != isOn })
                #expect(try page.becomes("p50-mount") { ($0 != "–") == isOn })
                #expect(try page.becomes("phase-table") { $0.contains("together") == isOn })
                #expect(try page.becomes("rate-mount", above: 10))
                let isTurned = try eventually(seconds: 20) {
                    let before = try counts()
                    usleep(300_000)
                    let after = try counts()
                    let haveLatenciesRisen = after.latencies > before.latencies
                    return after.requests > before.requests && haveLatenciesRisen == isOn
                }
                #expect(isTurned, "\(isOn)")
            }
            #expect(try page.driver.text("telemetry-error") == "")
            #expect(try page.complaints() == [])
            done.set()
            try clients.join()
        }

        @Test func theButtonRecordsATrace() throws {
            let page = try AdminPage(["--profile", "seed"])
            let done = SharedFlag()
            let clients = try page.load([page.server.port], until: done)
            defer { done.set() }
            #expect(try page.becomesUsable("trace-button"))
            try page.driver.type("3", into: "#trace-seconds")
            try page.driver.type("4", into: "#trace-sample")
            try page.driver.click("#trace-button")
            #expect(try page.becomes("trace-text") { $0.hasPrefix("Recording: ") })
            #expect(try page.driver.holds("document.getElementById('trace-button').disabled"))
            #expect(try page.becomes("trace-text") { $0.hasPrefix("trace.json, ") })
            let path = "\(page.browser.downloads)/trace.json"
            // The browser makes an empty file first.
            var bytes: [UInt8] = []
            let isThere = eventually(seconds: 30) {
                bytes = (try? readFile(Array(path.utf8))) ?? []
                return !bytes.isEmpty
            }
            try #require(isThere)
            let trace = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            let events = try #require(trace["traceEvents"] as? [[String: Any]])
            #expect(events.contains { $0["ph"] as? String == "X" })
            #expect(try page.becomesUsable("trace-button"))
            #expect(try page.driver.text("trace-error") == "")
            #expect(try page.complaints() == [])
            done.set()
            try clients.join()
        }

        /// A path is a client's: it becomes part of the page as text only.
        @Test func aSlowRequestIsShownWithItsPhasesAndItsPathAsText() throws {
            let page = try AdminPage()
            let name = "<img src=x onerror=\"document.title='taken'\">"
            // Larger than what sockets take at once: whoever does not read makes the server wait.
            try page.folder.write("docroot/\(name)", RandomBytes.make(30_000_000))
            let connection = try HTTPConnection(port: page.server.port, receiveBufferBytes: 65536)
            try connection.socket.send(
                HTTPConnection.request("/%3Cimg%20src=x%20onerror=%22document.title='taken'%22%3E"))
            let head = try connection.receiveHead()
            usleep(1_500_000)
            try connection.receiveBody(try #require(head.contentLength)) { _ in }
            #expect(try page.becomes("slow-table") { $0.contains("img") && $0.contains("onerror") })
            #expect(try page.driver.holds("document.querySelector('#slow-table img') === null"))
            #expect(try page.driver.holds("document.querySelector('#slow-table .phase-wait').style.width !== ''"))
            let parts = try page.driver.run("return document.querySelector('#slow-table .parts small').textContent")
            #expect((parts as? String)?.hasPrefix("wait ") == true)
            #expect(try page.driver.run("return document.title") as? String == "mounted · serverfs")
            #expect(try page.complaints() == [])
        }

        /// Everything that can be used has a name and can be reached by the keyboard, and every chart has a text.
        @Test func itCanBeUsedByKeyboardAndScreenReader() throws {
            let page = try AdminPage()
            #expect(try page.becomesUsable("bypass"))
            var reached: [String] = []
            for _ in 0..<15 {
                try page.driver.press(WebDriver.tabulator)
                let focus = try page.driver.run(
                    """
                    const focused = document.activeElement
                    const isSeen = focused === document.body || getComputedStyle(focused).outlineStyle !== 'none'
                    return (isSeen ? '' : 'unseen ') + (focused.id || focused.className)
                    """)
                reached.append(focus as? String ?? "")
            }
            #expect(reached.first == "skip")
            #expect(!reached.contains { $0.hasPrefix("unseen ") }, "\(reached)")
            for control in ["bypass", "telemetry", "trace-seconds", "trace-sample", "trace-button"] {
                #expect(reached.contains(control), "\(control)")
                #expect(try page.driver.label("#\(control)") != "", "\(control)")
            }
            for chart in ["rate", "latency", "switches", "fuse", "threads"] {
                #expect(try ["img", "image"].contains(page.driver.role("#chart-\(chart)")))
                #expect(try page.driver.label("#chart-\(chart)") != "")
            }
            for (landmark, role) in [("main", "main"), (".top", "banner"), (".end", "contentinfo")] {
                #expect(try page.driver.role(landmark) == role)
            }
            for section in [
                "paths", "bypass", "telemetry", "trace", "rate", "latency", "phases", "switches", "fuse", "threads",
            ] {
                #expect(try page.driver.role("section[aria-labelledby='h-\(section)']") == "region")
            }
            #expect(try page.complaints() == [])
        }
    }
}

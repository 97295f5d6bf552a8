import Glibc
import Platform
import Testing

extension EndToEnd {
    /// What the admin side's page says where not everything is as it should be, and how it looks.
    @Suite(.timeLimit(.minutes(6)), .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"))
    struct PageStateTests {
        /// A server that stands still, one that goes, and one that comes after it, with counters that begin at 0.
        @Test func aServerThatGoesAndComesBackIsShown() throws {
            let page = try AdminPage()
            for _ in 0..<50 { _ = try HTTPConnection.fetch(page.server.port, "/index.html") }
            #expect(try page.becomes("total-mount", "50"))
            // Every figure that the page shows from now on.
            try page.driver.run(
                """
                window.seen = []
                const note = () => {
                    for (const cell of document.querySelectorAll('td, dd')) seen.push(cell.textContent)
                }
                const kinds = { childList: true, characterData: true, subtree: true }
                new MutationObserver(note).observe(document.querySelector('main'), kinds)
                """)
            page.server.freeze()
            #expect(try page.linkBecomes("silent"))
            page.server.signal(SIGCONT)
            #expect(try page.linkBecomes("live"))
            #expect(try page.complaints() == [])
            #expect(page.server.stop() == .exited(0))
            #expect(try page.linkBecomes("lost"))
            #expect(try page.becomes("notices") { $0.hasPrefix("No connection to serverfs") })
            for control in ["bypass", "telemetry", "trace-button"] {
                #expect(try page.becomesUsable(control, false), "\(control)")
            }

            let admin = "127.0.0.1:\(page.server.adminPort)"
            let next = try ServerProcess([page.docroot, "--listen", "127.0.0.1:0", "--admin", admin])
            #expect(try page.linkBecomes("live"))
            #expect(try page.becomes("notices") { $0.contains("process \(next.identifier)") })
            for _ in 0..<5 { _ = try HTTPConnection.fetch(next.port, "/index.html") }
            #expect(try page.becomes("total-mount", "5"))
            #expect(try page.becomesUsable("bypass"))
            // The browser itself writes of each connection that ends or is refused; the page has nothing to add.
            #expect(try page.complaints().allSatisfy { $0.contains("net::ERR_") })
            #expect(try page.driver.holds("seen.length > 100"))
            // Differences between phases may be negative, with a sign of their own; nothing else.
            #expect(try page.driver.holds("seen.every((text) => !/NaN|undefined|Infinity|^-/.test(text))"))
            #expect(next.stop() == .exited(0))
        }

        /// Statuses that no server sends in a test: counters that go back, times that stand still, a day's worth at once.
        @Test func noOrderOfStatusesMakesAFigureThatCannotBe() throws {
            let page = try AdminPage()
            let figures = try page.driver.run(
                """
                const status = (pid, uptimeSeconds, requests) => ({
                    pid, uptimeSeconds, http: { mount: { requests }, bypass: { requests: 0 } }, threads: [],
                })
                return import('/history.js').then(({ History }) => {
                    const history = new History()
                    const steps = [
                        status(1, 10, 1000), status(1, 11, 3000), status(1, 11, 3000), status(1, 12, 2000),
                        status(1, 13, 2500), status(2, 1, 10), status(2, 2, 40), status(2, 1, 5), status(2, 61, 65),
                        status(2, 62, 86400 * 1e6),
                    ]
                    return steps.map((each) => String(history.add(each)?.mount.rate ?? 'none')).join(' ')
                })
                """)
            // The first of a process has no rate, nor has one whose counter went back; a minute of silence is one step.
            #expect(figures as? String == "none 2000 none none 500 none 30 none 1 86399999935")
        }

        /// The server adds up the threads of a name, and says 0 for the id of one of which none runs: several may have that, and a
        /// loop that is taken over has another id from one status to the next.
        @Test func threadsAreKnownByTheirNamesWhicheverOfThemRuns() throws {
            let page = try AdminPage()
            let shares = try page.driver.run(
                """
                const status = (uptimeSeconds, ...threads) => ({
                    pid: 1, uptimeSeconds, threads: threads.map(([threadID, name, seconds]) => (
                        { threadID, name, processorNanoseconds: seconds * 1e9, voluntarySwitches: 0, involuntarySwitches: 0 })),
                })
                return import('/history.js').then(({ History }) => {
                    const history = new History()
                    history.add(status(1, [7, 'http-0', 100], [0, 'fuse-2', 50], [0, 'trace', 0.5]))
                    const points = [
                        history.add(status(2, [9, 'http-0', 100.25], [0, 'fuse-2', 50], [0, 'trace', 0.5])),
                        history.add(status(3, [0, 'http-0', 100.5], [0, 'fuse-2', 50], [0, 'trace', 0.5], [8, 'late', 7])),
                    ]
                    return JSON.stringify(points.map(({ threads }) => (
                        Object.fromEntries([...threads].map(([name, { processor }]) => [name, processor / 1e9])))))
                })
                """)
            let expected =
                #"[{"http-0":0.25,"fuse-2":0,"trace":0},{"http-0":0.25,"fuse-2":0,"trace":0,"late":0}]"#
            #expect(shares as? String == expected)
        }

        @Test func aLostMountIsShown() throws {
            let page = try AdminPage()
            #expect(try page.becomes("state", "mounted"))
            #expect(try page.becomes("counts") { $0.contains("mounts lost0") })
            #expect(ChildProcess.run(["umount", "-l", page.server.mountPoint]) == .exited(0))
            #expect(try page.becomes("counts") { $0.contains("mounts lost1") })
            // It mounts again.
            #expect(try page.becomes("state", "mounted"))
            #expect(try page.complaints() == [])
        }

        @Test func withoutAMountTheSwitchSaysWhyItIsOff() throws {
            let page = try AdminPage(["--bypass"], listeners: ["--listen", "127.0.0.1:0"])
            #expect(try page.becomes("state", "no mount"))
            #expect(try page.becomesUsable("bypass", false))
            #expect(try page.driver.text("bypass-text").hasPrefix("There is no mount"))
            _ = try HTTPConnection.fetch(page.server.port, "/index.html")
            #expect(try page.becomes("total-bypass", "1"))
            #expect(try page.complaints() == [])
        }

        /// Debian's libjs-chart.js need not be there.
        @Test(.enabled(if: Capability.mountNamespaces, "unshare -m does not work here"))
        func withoutChartsEverythingIsInTables() throws {
            let hide = "mount -t tmpfs none /usr/share/javascript && exec \"$0\" \"$@\""
            let page = try AdminPage(["--profile", "seed"], prefix: ["unshare", "-m", "sh", "-c", hide])
            let done = SharedFlag()
            let clients = try page.load(page.server.ports, until: done)
            defer { done.set() }
            #expect(try page.becomes("rate-mount", above: 0))
            #expect(try page.eventuallyHolds("document.getElementById('fuse-table').tBodies[0].rows.length >= 5"))
            #expect(try page.driver.holds("document.getElementById('no-charts').hidden === false"))
            #expect(try page.driver.holds("document.querySelector('canvas').offsetParent === null"))
            let complaints = try page.complaints()
            #expect(complaints.contains { $0.contains("404") })
            #expect(complaints.allSatisfy { $0.contains("/chart.js") }, "\(complaints)")
            try page.browser.setSize(width: 1440)
            try page.browser.keepScreenshot("admin-page-tables.png")
            done.set()
            try clients.join()
        }

        /// Pictures for whoever wants to look, and what of them can be checked: nothing sticks out, and dark is dark.
        @Test func itIsReadableWideAndNarrowLightAndDark() throws {
            let page = try AdminPage(["--profile", "seed"])
            let done = SharedFlag()
            let clients = try page.load(page.server.ports, until: done)
            defer { done.set() }
            #expect(try page.eventuallyHolds("document.getElementById('fuse-table').tBodies[0].rows.length >= 5"))
            // A few seconds' worth of lines.
            sleep(10)
            for (scheme, paper) in [(Browser.ColorScheme.light, "rgb(250, 251, 252)"), (.dark, "rgb(17, 22, 27)")] {
                try page.browser.setColorScheme(scheme)
                #expect(try page.eventuallyHolds("getComputedStyle(document.body).backgroundColor === '\(paper)'"))
                for width in [1440, 390] {
                    try page.browser.setSize(width: width)
                    // The next status draws the charts anew.
                    usleep(1_500_000)
                    let picture = try page.browser.keepScreenshot("admin-page-\(scheme)-\(width).png")
                    #expect(picture.count > 20_000)
                    #expect(try page.driver.holds("document.documentElement.scrollWidth <= innerWidth"), "\(width)")
                }
            }
            #expect(try page.complaints() == [])
            done.set()
            try clients.join()
        }
    }
}

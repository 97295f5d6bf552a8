import Foundation
import Platform

/// What goes wrong between a test and its browser.
package struct WebDriverFailure: Error, CustomStringConvertible {
    package let description: String
}

/// One session of the WebDriver protocol (W3C WebDriver, https://www.w3.org/TR/webdriver2/), over HTTP to 127.0.0.1: commands
/// that block until the browser has done them. One thread at a time.
package final class WebDriver {
    private let port: UInt16
    private var session = ""

    /// A key that an element's reference has in the protocol's JSON.
    private static let elementKey = "element-6066-11e4-a52e-4f735466cecf"
    /// Both processors may be busy with other things when a browser starts.
    private static let timeoutSeconds = 120

    /// Asks the driver on `port` for a browser with `options`, those of `goog:chromeOptions`.
    package init(port: UInt16, options: [String: Any]) throws {
        self.port = port
        let capabilities: [String: Any] = [
            "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
            "timeouts": ["script": 60_000, "pageLoad": 60_000],
        ]
        let answer = try command("POST", "/session", ["capabilities": ["alwaysMatch": capabilities]])
        guard let identifier = (answer as? [String: Any])?["sessionId"] as? String else {
            throw WebDriverFailure(description: "no session: \(answer)")
        }
        session = "/session/\(identifier)"
    }

    /// Closes the browser.
    package func end() throws { _ = try command("DELETE", session) }

    // MARK: - The page

    /// Opens a page and waits until it is loaded.
    package func open(_ address: String) throws { _ = try command("POST", "\(session)/url", ["url": address]) }

    /// Runs the body of a function in the page.
    ///
    /// - Returns: what it returns, as JSONSerialization has it.
    @discardableResult
    package func run(_ script: String) throws -> Any {
        try command("POST", "\(session)/execute/sync", ["script": script, "args": []])
    }

    /// The number that an expression of the page has; nil when it is none.
    package func number(_ expression: String) throws -> Double? { try run("return \(expression)") as? Double }

    /// Whether an expression holds in the page.
    package func holds(_ expression: String) throws -> Bool {
        try run("return Boolean(\(expression))") as? Bool == true
    }

    /// The text of an element, by its id.
    package func text(_ identifier: String) throws -> String {
        try run("return document.getElementById('\(identifier)').textContent") as? String ?? ""
    }

    // MARK: - Elements, by a selector, as a user and a screen reader have them

    package func click(_ selector: String) throws {
        _ = try command("POST", "\(session)/element/\(find(selector))/click", [:])
    }

    /// Types into an element that takes text.
    package func type(_ text: String, into selector: String) throws {
        let element = try find(selector)
        _ = try command("POST", "\(session)/element/\(element)/clear", [:])
        _ = try command("POST", "\(session)/element/\(element)/value", ["text": text])
    }

    /// Chooses a file in an element for files, seen or not.
    package func choose(_ path: String, in selector: String) throws {
        _ = try command("POST", "\(session)/element/\(find(selector))/value", ["text": path])
    }

    /// Presses and lets go of a key, whatever has the focus: a character, or one of the protocol's code points.
    package func press(_ key: String) throws {
        let actions = ["keyDown", "keyUp"].map { ["type": $0, "value": key] }
        let source: [String: Any] = ["type": "key", "id": "keyboard", "actions": actions]
        _ = try command("POST", "\(session)/actions", ["actions": [source]])
    }

    /// The tabulator key.
    package static let tabulator = "\u{E004}"

    /// The role that an element has for assistive technology.
    package func role(_ selector: String) throws -> String {
        try command("GET", "\(session)/element/\(find(selector))/computedrole") as? String ?? ""
    }

    /// The name that an element has for assistive technology.
    package func label(_ selector: String) throws -> String {
        try command("GET", "\(session)/element/\(find(selector))/computedlabel") as? String ?? ""
    }

    private func find(_ selector: String) throws -> String {
        let found = try command("POST", "\(session)/element", ["using": "css selector", "value": selector])
        guard let element = (found as? [String: Any])?[Self.elementKey] as? String else {
            throw WebDriverFailure(description: "no element \(selector)")
        }
        return element
    }

    // MARK: - The browser

    /// What the browser has written to its console since the last call, as `LEVEL text`.
    package func consoleMessages() throws -> [String] {
        let entries = try command("POST", "\(session)/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.map { "\($0["level"] ?? "?") \($0["message"] ?? "?")" }
    }

    /// Turns to the window that was opened last.
    package func turnToNewestWindow() throws {
        let windows = try command("GET", "\(session)/window/handles") as? [String] ?? []
        _ = try command("POST", "\(session)/window", ["handle": windows.last ?? ""])
    }

    /// A command of the DevTools protocol, for what WebDriver has no word for.
    @discardableResult
    package func developerTools(_ name: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        let answer = try command("POST", "\(session)/goog/cdp/execute", ["cmd": name, "params": parameters])
        return answer as? [String: Any] ?? [:]
    }

    /// Sends a command and returns the `value` of its answer.
    private func command(_ method: String, _ path: String, _ parameters: [String: Any]? = nil) throws -> Any {
        let body = try parameters.map { [UInt8](try JSONSerialization.data(withJSONObject: $0)) } ?? []
        let fields = ["Content-Type: application/json; charset=utf-8", "Content-Length: \(body.count)"]
        let connection = try HTTPConnection(port: port, timeoutSeconds: Self.timeoutSeconds)
        try connection.socket.send(Array(HTTPConnection.request(path, method: method, fields: fields).utf8) + body)
        let response = try connection.receiveResponse(to: method)
        let answer = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
        guard response.status == 200, let value = answer?["value"] else {
            let reason = response.bodyText.prefix(2000)
            throw WebDriverFailure(description: "\(method) \(path): \(response.status) \(reason)")
        }
        return value
    }
}

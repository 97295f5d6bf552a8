import Foundation
package import Glibc
import Platform

/// A headless Chromium with a driver (Debian's chromium-driver) on a port of its own choice, and everything that both write in
/// one private folder. It is ended, with every process of it, when the last reference to it goes.
package final class Browser {
    package let driver: WebDriver
    /// Where downloads go.
    package let downloads: String
    private let process: ChildProcess
    private let folder: PrivateFolder

    package static let isInstalled = ["chromedriver", "chromium"].allSatisfy(Capability.isInstalled)

    /// - Parameter size: of the page, in CSS pixels.
    package init(width: Int = 1440, height: Int = 1000) throws {
        folder = try PrivateFolder()
        downloads = try folder.makeFolder("downloads")
        let home = try folder.makeFolder("home")
        let port: UInt16
        (process, port) = try Self.startDriver(in: folder, home: home)
        var arguments = [
            "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--user-data-dir=\(home)/profile",
            "--window-size=\(width),\(height)",
            // A page that asked for anything from outside would say so in the console.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        ]
        // Chromium's sandbox does not start for root.
        if Capability.isRoot { arguments.append("--no-sandbox") }
        driver = try WebDriver(port: port, options: ["binary": "/usr/bin/chromium", "args": arguments])
        try driver.developerTools("Browser.setDownloadBehavior", ["behavior": "allow", "downloadPath": downloads])
    }

    /// A driver whose port must be free for IPv4 and IPv6: it takes one that is for one of them, and ends where it is not for the
    /// other. Then another is asked.
    private static func startDriver(in folder: PrivateFolder, home: String) throws -> (ChildProcess, port: UInt16) {
        var complaints: [String] = []
        for _ in 1...5 {
            // A session of its own: its processes are found by it.
            let process = try ChildProcess(
                ["setsid", "chromedriver", "--port=0"], in: folder,
                environment: ["HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home])
            var port: UInt16 = 0
            _ = eventually(seconds: 60) {
                let hasEnded = process.wait(seconds: 0) != nil
                let words = process.output.split(whereSeparator: \.isWhitespace)
                let position = words.firstIndex(of: "successfully") ?? words.endIndex
                // "ChromeDriver was started successfully on port 40431."
                port = words[position...].dropFirst(3).first.flatMap { UInt16($0.filter(\.isNumber)) } ?? 0
                return port != 0 || hasEnded
            }
            if port != 0 { return (process, port) }
            complaints += (process.output + process.errorOutput).split(separator: "\n").map(String.init)
        }
        throw WebDriverFailure(description: "no driver: \(complaints)")
    }

    deinit { _ = end() }

    /// Ends the browser, its driver, and whatever is left of them.
    ///
    /// - Returns: whether nothing is.
    package func end() -> Bool {
        if process.wait(seconds: 0) == nil { try? driver.end() }
        process.signal(SIGTERM)
        _ = process.wait(seconds: 10)
        for identifier in processes { kill(identifier, SIGTERM) }
        if eventually(seconds: 5, { processes.isEmpty }) { return true }
        for identifier in processes { kill(identifier, SIGKILL) }
        return eventually(seconds: 5) { processes.isEmpty }
    }

    /// Every process of the driver's session, and every other that names the private folder in its command line.
    package var processes: [pid_t] {
        PrivateFolder.names(in: "/proc").compactMap { pid_t($0) }.filter { identifier in
            let fields = ProcessFacts.text("/proc/\(identifier)/stat").split(separator: ")").last?.split(separator: " ")
            guard let fields, fields.count > 3, fields[0] != "Z" else { return false }
            return pid_t(fields[3]) == process.identifier
                || ProcessFacts.text("/proc/\(identifier)/cmdline").contains(folder.path)
        }
    }

    // MARK: - How it shows the page

    package enum ColorScheme: String { case light, dark }

    package func setColorScheme(_ scheme: ColorScheme) throws {
        let feature = ["name": "prefers-color-scheme", "value": scheme.rawValue]
        try driver.developerTools("Emulation.setEmulatedMedia", ["features": [feature]])
    }

    /// Lets the page be `width` CSS pixels wide and, if no height is given, as high as its content.
    package func setSize(width: Int, height: Int? = nil) throws {
        try setMetrics(width: width, height: height ?? 1000)
        guard height == nil else { return }
        let content = try driver.number("document.documentElement.scrollHeight") ?? 1000
        try setMetrics(width: width, height: Int(content))
    }

    private func setMetrics(width: Int, height: Int) throws {
        try driver.developerTools(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
    }

    /// Keeps a picture of the page among the tests' artifacts and returns its PNG.
    @discardableResult
    package func keepScreenshot(_ name: String) throws -> [UInt8] {
        let answer = try driver.developerTools("Page.captureScreenshot", ["format": "png"])
        guard let text = answer["data"] as? String, let picture = Data(base64Encoded: text) else {
            throw WebDriverFailure(description: "no picture: \(answer.keys)")
        }
        let bytes = [UInt8](picture)
        try Artifacts.keep(name, bytes)
        return bytes
    }
}

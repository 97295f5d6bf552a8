import Glibc
import Platform

/// A server with an admin side, a browser that shows its page, and clients that keep the server busy.
final class AdminPage {
    let folder: PrivateFolder
    let server: ServerProcess
    let browser: Browser
    let docroot: String

    var driver: WebDriver { browser.driver }
    var address: String { "http://127.0.0.1:\(server.adminPort)/" }

    /// - Parameters:
    ///   - options: of serverfs; what is served is the docroot's few files.
    ///   - listeners: of serverfs too.
    init(
        _ options: [String] = [], listeners: [String] = ["--listen", "127.0.0.1:0", "--listen-bypass", "127.0.0.1:0"],
        prefix: [String] = []
    ) throws {
        folder = try PrivateFolder()
        docroot = try folder.makeFolder("docroot")
        try folder.write("docroot/index.html", RandomBytes.make(26_400))
        _ = try folder.makeFolder("docroot/pictures")
        for index in 0..<20 { try folder.write("docroot/pictures/\(index).svg", RandomBytes.make(4000 + index * 700)) }
        server = try ServerProcess([docroot] + listeners + ["--admin", "127.0.0.1:0"] + options, prefix: prefix)
        browser = try Browser()
        try driver.open(address)
    }

    // MARK: - What it shows

    /// Waits until an expression holds in the page.
    func eventuallyHolds(_ expression: String) throws -> Bool {
        try eventually(seconds: 30) { try driver.holds(expression) }
    }

    /// Waits until the text of an element, by its id, is as it should be.
    func becomes(_ identifier: String, _ isRight: (String) -> Bool) throws -> Bool {
        try eventually(seconds: 30) { isRight(try driver.text(identifier)) }
    }

    func becomes(_ identifier: String, _ text: String) throws -> Bool { try becomes(identifier) { $0 == text } }

    /// Waits until an element shows a number above another.
    func becomes(_ identifier: String, above least: Double) throws -> Bool {
        try becomes(identifier) { text in Double(text.filter { $0 != "," }).map { $0 > least } ?? false }
    }

    /// Waits until the page says that its stream of figures is live, silent or lost.
    func linkBecomes(_ state: String) throws -> Bool {
        try eventuallyHolds("document.getElementById('link').dataset.link === '\(state)'")
    }

    /// Waits until something can be used, or cannot.
    func becomesUsable(_ identifier: String, _ isUsable: Bool = true) throws -> Bool {
        try eventuallyHolds("document.getElementById('\(identifier)').disabled === \(!isUsable)")
    }

    /// What the page has complained of since the last call: errors of its scripts, and what it could not get.
    func complaints() throws -> [String] { try driver.consoleMessages() }

    // MARK: - What keeps the server busy

    /// Clients, one a port, that ask for a few files over and over until `done`.
    func load(_ ports: [UInt16], until done: SharedFlag) throws -> ClientThreads {
        try ClientThreads(ports.count) { client in
            let connection = try HTTPConnection(port: ports[client], timeoutSeconds: 60)
            var index = 0
            while !done.isSet {
                index += 1
                let target = index % 4 == 0 ? "/pictures/\(index % 20).svg" : "/index.html"
                guard try connection.exchange(target).status == 200 else { throw ClientFailure.mismatch("no file") }
                // A load, not a flood: the browser needs processors too.
                if index % 16 == 0 { usleep(2000) }
            }
        }
    }

    /// The server's own figures, as the page gets them.
    func status() throws -> [String: Any] {
        try driver.run("return fetch('status').then((response) => response.json())") as? [String: Any] ?? [:]
    }
}

import Foundation
import TestSupport
import Testing

/// A site with an admin side.
struct AdminSite {
    let site: Site
    var server: ServerProcess { site.server }
    let admin: AdminClient

    init(_ files: [String: String] = ["file": "bytes"], options: [String] = [], prefix: [String] = []) throws {
        site = try Site(files, options: ["--admin", "127.0.0.1:0"] + options, prefix: prefix)
        admin = AdminClient(port: site.server.adminPort)
    }

    /// `/status`
    func status() throws -> JSONObject { try JSONObject(admin.fetch("/status").body) }

    /// Waits until no trace is being taken.
    func expectNoTrace(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isOver = try eventually(seconds: 5) { try status()["recordingTrace"] as? Bool == false }
        #expect(isOver, sourceLocation: sourceLocation)
    }
}

/// The number of events of a trace, which must be one.
func traceEvents(_ bytes: some Sequence<UInt8>) throws -> Int {
    try #require(try JSONObject(bytes)["traceEvents"] as? [Any]).count
}

/// An object of JSON, to look into by paths such as `http.mount.requests`.
struct JSONObject {
    private let members: [String: Any]

    init(_ bytes: some Sequence<UInt8>) throws {
        let value = try JSONSerialization.jsonObject(with: Data(bytes))
        members = try #require(value as? [String: Any])
    }

    var names: Set<String> { Set(members.keys) }

    /// The value at a path; nil when there is none.
    subscript(_ path: String) -> Any? {
        path.split(separator: ".").reduce(members as Any?) { ($0 as? [String: Any])?[String($1)] }
    }

    func number(_ path: String) -> Double { (self[path] as? NSNumber)?.doubleValue ?? .nan }
}

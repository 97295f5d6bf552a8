import Glibc
import Testing

/// One of the two ways to the docroot's files, for tests that must hold on either.
package enum Via: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case mount, bypass

    package var testDescription: String { rawValue }
}

/// A docroot in a private folder, and a server on it with a listener for either way.
package struct Site: Sendable {
    package let folder: PrivateFolder
    package let server: ServerProcess

    package var docroot: String { "\(folder.path)/docroot" }

    /// - Parameter files: by path below the docroot; folders are made as needed.
    package init(
        _ files: [String: String] = [:], options: [String] = [], prefix: [String] = [],
        binary: String = ServerProcess.binaryPath
    ) throws {
        folder = try PrivateFolder()
        _ = try folder.makeFolder("docroot")
        for (path, text) in files { try Self.write(path, Array(text.utf8), in: folder) }
        server = try ServerProcess.serving("\(folder.path)/docroot", options, prefix: prefix, binary: binary)
    }

    /// Makes or rewrites a file of the docroot.
    package func write(_ path: String, _ bytes: [UInt8]) throws { try Self.write(path, bytes, in: folder) }
    package func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

    package func port(_ via: Via) -> UInt16 { via == .mount ? server.port : server.bypassPort }

    package func connect(_ via: Via, receiveBufferBytes: CInt? = nil) throws -> HTTPConnection {
        try HTTPConnection(port: port(via), receiveBufferBytes: receiveBufferBytes)
    }

    package func fetch(_ via: Via, _ target: String, method: String = "GET", fields: [String] = []) throws
        -> HTTPResponse
    {
        try HTTPConnection.fetch(port(via), target, method: method, fields: fields)
    }

    /// Sends bytes as they are, and returns everything that comes until the server closes.
    package func converse(_ via: Via, _ text: String) throws -> String {
        let socket = try ClientSocket(port: port(via))
        try? socket.send(text)
        return String(decoding: try socket.receiveAll(), as: UTF8.self)
    }

    private static func write(_ path: String, _ bytes: [UInt8], in folder: PrivateFolder) throws {
        let names = path.split(separator: "/")
        for count in 1..<max(names.count, 1) {
            let parent = "docroot/" + names.prefix(count).joined(separator: "/")
            if !folder.contains(parent) { _ = try folder.makeFolder(parent) }
        }
        try folder.write("docroot/\(path)", bytes)
    }
}

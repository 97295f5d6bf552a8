import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// Requests as old and lazy clients make them.
    @Suite(.timeLimit(.minutes(1)))
    struct AdminProtocolTests {
        /// What comes until the connection is closed.
        private func converse(_ site: AdminSite, _ lines: [String]) throws -> (status: Int, head: String, body: [UInt8])
        {
            let socket = try ClientSocket(port: site.server.adminPort, timeoutSeconds: 20)
            try socket.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
            let bytes = try socket.receiveAll()
            let end = try #require(bytes.firstRange(of: Array("\r\n\r\n".utf8)), "\(lines)")
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            return (Int(head.split(separator: " ")[1]) ?? 0, head, Array(bytes[end.upperBound...]))
        }

        /// A request without a length has no body; and to HTTP/1.0, which has no chunks, the end of a trace is that of its
        /// connection.
        @Test(arguments: [[], ["Connection: close"], ["Connection: keep-alive"], ["Connection: Keep-Alive, x"]])
        func aPostOfHTTP10NeedsNoLength(_ fields: [String]) throws {
            let site = try AdminSite()
            let host = "Host: 127.0.0.1:\(site.server.adminPort)"
            let trace = try converse(site, ["POST /trace?seconds=0.2 HTTP/1.0", host] + fields)
            #expect(trace.status == 200, "\(trace.head)")
            #expect(!trace.head.lowercased().contains("transfer-encoding"))
            #expect(!trace.head.lowercased().contains("content-length"))
            #expect(!trace.head.lowercased().contains("keep-alive"))
            #expect(try traceEvents(trace.body) > 0)
            // The body is missing, which is what is wrong with it.
            #expect(try converse(site, ["PUT /bypass HTTP/1.0", host]).status == 400)
            #expect(site.server.process.errorOutput.isEmpty)
        }

        @Test(arguments: ["1.0", "1.1"])
        func aPostWithoutALengthIsAnsweredOnAKeptConnection(_ version: String) throws {
            let site = try AdminSite()
            let request = [
                "POST /trace?seconds=0.2 HTTP/\(version)", "Host: 127.0.0.1:\(site.server.adminPort)",
                "Connection: keep-alive",
            ]
            let answer = try converse(site, request)
            #expect(answer.status == 200, "\(answer.head)")
            #expect(site.server.process.errorOutput.isEmpty)
        }

        @Test func aStreamOfEventsGoesToHTTP10Too() throws {
            let site = try AdminSite()
            let socket = try ClientSocket(port: site.server.adminPort, timeoutSeconds: 20)
            let host = "Host: 127.0.0.1:\(site.server.adminPort)"
            try socket.send("GET /events HTTP/1.0\r\n\(host)\r\nConnection: keep-alive\r\n\r\n")
            var text = ""
            var chunk = [UInt8](repeating: 0, count: 65536)
            while text.components(separatedBy: "event: status\ndata: {").count < 3 {
                let count = try chunk.withUnsafeMutableBytes { try socket.receive(into: $0) }
                try #require(count > 0)
                text += String(decoding: chunk[..<count], as: UTF8.self)
            }
            #expect(!text.contains("Content-Length"))
        }
    }
}

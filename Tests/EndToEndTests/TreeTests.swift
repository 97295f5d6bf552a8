import Glibc
import Platform
import Testing

extension EndToEnd {
    /// A tree of more than 20,000 files, made once: every body through both listeners is the docroot's.
    @Suite(.timeLimit(.minutes(2)))
    struct TreeTests {
        private let folder: PrivateFolder
        private let tree: TreeGenerator
        private let server: ServerProcess

        init() throws {
            folder = try PrivateFolder()
            try folder.write("secret", "this must not be seen")
            var tree = TreeGenerator(docroot: try folder.makeFolder("docroot"))
            try tree.make()
            self.tree = tree
            server = try ServerProcess.serving(tree.docroot)
        }

        /// One test, because the tree is worth making only once.
        @Test func everyBodyOfBothListenersIsTheDocrootsOwn() throws {
            #expect(tree.files.count > 20_000)
            try compareAllFiles()
            try compareLargeFile()
            try compareIslands()
            try compareSparseFile()
            try compareRefusals()
            #expect(try server.metrics()["serverfs_http_truncated_responses_total"] == 0)
            #expect(server.stop() == .exited(0))
            #expect(server.leftovers.isEmpty)
        }

        /// Six clients, three for each listener, with one connection each; every file is asked of both.
        private func compareAllFiles() throws {
            let clients = 3
            let (server, tree) = (server, tree)
            try onThreads(2 * clients) { client in
                let connection = try HTTPConnection(port: server.ports[client % 2])
                for index in stride(from: client / 2, to: tree.files.count, by: clients) {
                    let path = tree.files[index]
                    let response = try connection.exchange(path.target)
                    guard response.status == 200 else {
                        throw ClientFailure.mismatch("\(path): \(response.status) by listener \(client % 2)")
                    }
                    guard try response.body == readFile(path.absolute(in: tree.docroot)) else {
                        throw ClientFailure.mismatch("\(path): another body by listener \(client % 2)")
                    }
                }
            }
            // What is said of a file does not tell the two apart either.
            let connections = try server.ports.map { try HTTPConnection(port: $0) }
            for path in tree.files.prefix(300) {
                let fields = try connections.map { try $0.exchange(path.target, method: "HEAD").fileFields }
                #expect(fields[0] == fields[1])
            }
        }

        private func compareLargeFile() throws {
            let (server, docroot) = (server, tree.docroot)
            try onThreads(4) { client in
                let connection = try HTTPConnection(port: server.ports[client % 2])
                try compareStream(connection, TreeGenerator.large, size: Int64(TreeGenerator.largeBytes), in: docroot)
            }
            let metrics = try server.metrics()
            for via in Via.allCases { #expect(metrics.bodyBytes(via: via.rawValue) >= 2 * TreeGenerator.largeBytes) }
        }

        private func compareSparseFile() throws {
            let connection = try HTTPConnection(port: server.port)
            try compareStream(connection, TreeGenerator.sparse, size: TreeGenerator.sparseBytes, in: tree.docroot)
        }

        /// Around each stretch of data of the sparse file, with some of the hole on both sides, by Range requests.
        private func compareIslands() throws {
            let path = TreeGenerator.sparse
            let file = try OpenedFile(path.absolute(in: tree.docroot))
            for port in server.ports {
                let connection = try HTTPConnection(port: port)
                for island in TreeGenerator.islands {
                    let first = max(island.lowerBound - 4711, 0)
                    let last = min(island.upperBound + 4711, TreeGenerator.sparseBytes) - 1
                    let response = try connection.exchange(path.target, fields: ["Range: bytes=\(first)-\(last)"])
                    #expect(response.status == 206)
                    #expect(response["Content-Range"] == "bytes \(first)-\(last)/\(TreeGenerator.sparseBytes)")
                    #expect(response.body == (try file.read(Int(last - first + 1), at: first)))
                }
            }
        }

        /// 403 for what leads out or is no file, 404 for what is not there: at once, and without a byte of the target.
        private func compareRefusals() throws {
            for port in server.ports {
                let connection = try HTTPConnection(port: port, timeoutSeconds: 3)
                for path in tree.forbidden {
                    let response = try connection.exchange(path.target)
                    #expect(response.status == 403, "\(path)")
                    #expect(response.bodyText == "403 Forbidden\n", "\(path)")
                }
                for path in tree.broken {
                    #expect(try connection.exchange(path.target).status == 404, "\(path)")
                }
                #expect(try connection.exchange("/links/to-folder")["Location"] == "/links/to-folder/")
            }
        }
    }
}

/// Fetches a whole file and compares it, piece by piece as it comes, with the docroot's.
func compareStream(_ connection: HTTPConnection, _ path: TreePath, size: Int64, in docroot: String) throws {
    let file = try OpenedFile(path.absolute(in: docroot))
    try connection.socket.send(HTTPConnection.request(path.target))
    let head = try connection.receiveHead()
    guard head.status == 200, head.contentLength == Int(size) else {
        throw ClientFailure.mismatch("\(path): \(head.status), \(head.contentLength ?? -1) bytes")
    }
    var offset: Int64 = 0
    try connection.receiveBody(Int(size)) { piece in
        guard try file.equals(piece, at: offset) else {
            throw ClientFailure.mismatch("\(path): another byte between \(offset) and \(offset + Int64(piece.count))")
        }
        offset += Int64(piece.count)
    }
}

/// A file of the docroot, open to be compared with. One thread at a time.
final class OpenedFile {
    private let descriptor: OwnedDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

    init(_ path: [UInt8]) throws(Errno) {
        descriptor = OwnedDescriptor(adopting: try withPath(path) { open($0, O_RDONLY | O_CLOEXEC) })
    }

    deinit { buffer.deallocate() }

    /// Whether the file has `bytes` at `offset`.
    func equals(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Bool {
        precondition(bytes.count <= buffer.count)
        let count = try Files.read(
            descriptor.rawValue, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count]), at: offset)
        return count == bytes.count && (count == 0 || memcmp(bytes.baseAddress!, buffer.baseAddress!, count) == 0)
    }

    func read(_ count: Int, at offset: Int64) throws(Errno) -> [UInt8] {
        precondition(count <= buffer.count)
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        return Array(buffer[..<(try Files.read(descriptor.rawValue, into: rest, at: offset))])
    }
}

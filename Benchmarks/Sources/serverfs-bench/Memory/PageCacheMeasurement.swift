import Glibc

/// Serves a large file once, and sees how often its bytes are in the page cache then.
struct PageCacheMeasurement {
    let serverfs: String
    let directory: TemporaryDirectory

    static let fileBytes = 256 << 20
    /// More than one, because the machine may take pages back meanwhile: the median counts.
    static let attempts = 3
    /// What is asked of passthrough: once, and the little that other files of the machine make of it.
    static let passthroughMax = 1.02

    private static let strategies: [(name: String, arguments: [String])] = [
        ("stateless", ["--fuse-open", "stateless", "--fuse-cache", "watched"]),
        ("passthrough", Plan.passthrough),
    ]

    func report() throws -> PageCacheReport {
        let docroot = directory.file("large")
        try makeFolder(docroot)
        try writeLargeFile("\(docroot)/large")
        var report = PageCacheReport(fileBytes: Self.fileBytes)
        for strategy in Self.strategies {
            do {
                let shares = try (1...Self.attempts).map { attempt in
                    try measure("page-cache-\(strategy.name)-\(attempt)", strategy.arguments, docroot)
                }
                report.rows.append((strategy.name, shares))
            } catch let refusal as StartRefusal {
                report.refused.append((strategy.name, refusal.reason))
            }
        }
        removeTree(docroot)
        return report
    }

    private func measure(_ name: String, _ arguments: [String], _ docroot: String) throws -> PageCacheShare {
        note("\(name): serving \(binaryAmount(Double(Self.fileBytes)))")
        let server = try ServerfsProcess(
            name, executable: serverfs, arguments: ServerfsProcess.serving(docroot, arguments), in: directory)
        defer { server.end() }
        guard let url = server.banner.mountURL else {
            throw BenchFailure(.runFailed, "serverfs does not say where it listens")
        }
        PageCache.evict("\(docroot)/large")
        let before = PageCache.allCachedBytes()
        let received = try HTTPClient.byteCount(url + "large")
        let after = PageCache.allCachedBytes()
        guard received >= Self.fileBytes else {
            throw BenchFailure(.runFailed, "of a file of \(Self.fileBytes) bytes, \(received) were received")
        }
        return PageCacheShare(
            docroot: try PageCache.cachedBytes("\(docroot)/large"),
            mount: try Visitor(directory: directory)
                .visit(.residency, "\(server.banner.mountPoint)/large", limit: .seconds(30)).bytes,
            machine: after - before)
    }

    /// The pages must be clean to be evicted, so the file is on the disk when this returns.
    private func writeLargeFile(_ path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchFailure(.runFailed, "\(path): \(errorText(errno))") }
        defer { close(descriptor) }
        let block = [UInt8](repeating: 0x73, count: 1 << 20)
        for _ in 0..<(Self.fileBytes / block.count) {
            try Interrupt.check()
            guard unsafe write(descriptor, block, block.count) == block.count else {
                throw BenchFailure(.runFailed, "\(path) cannot be written: \(errorText(errno))")
            }
        }
        fsync(descriptor)
    }
}

import Glibc
import Testing

extension EndToEnd {
    /// That a warm request costs the HTTP thread no allocation, on whichever way, with everything measured that always is; and that
    /// a READ costs the FUSE thread none.
    @Suite(.timeLimit(.minutes(4)))
    struct WarmPathTests {
        struct Request: CustomStringConvertible {
            let target: String
            var method = "GET"
            var fields: [String] = []
            let status: Int
            var description: String { "\(method) \(target) \(fields) \(status)" }
        }

        private static let requests = [
            Request(target: "/file", status: 200),
            Request(target: "/large", status: 200),
            Request(target: "/folder/", status: 200),
            Request(target: "/folder", status: 301),
            Request(target: "/file", method: "HEAD", status: 200),
            Request(target: "/file", fields: ["Range: bytes=2-5"], status: 206),
            Request(target: "/file", fields: ["If-None-Match: *"], status: 304),
            Request(target: "/missing", status: 404),
        ]

        /// So many are made in a row; one allocation in as many would be one for most requests already.
        private static let count = 100

        /// Bodies sent by sendfile; and from mappings, where the kernel passes the mount's files through.
        private static let options = [[]] + (Capability.isRoot ? [["--fuse-open", "passthrough"]] : [])

        @Test(arguments: Via.allCases, options)
        func aWarmRequestCostsNoAllocation(_ via: Via, _ options: [String]) throws {
            let counter = try AllocationCounter()
            let site = try Site(
                ["file": "content", "folder/index.html": "index"], options: ["--workers", "1"] + options,
                prefix: counter.prefix)
            // More than a page, less than what a socket takes at once.
            try site.write("large", RandomBytes.make(26_400))
            counter.start()
            let connection = try site.connect(via)
            #expect(try connection.exchange("/file").status == 200)
            // A connection and a file cost some: they are counted.
            #expect(counter.stop().http > 2)
            #expect(counter.firstCallers.contains("serverfs"))

            for request in Self.requests {
                var allocations: UInt64 = 0
                // A file that has just changed is not kept open; a request that took 10 ms, on a busy machine, is remembered.
                let isFree = try eventually(seconds: 20) {
                    counter.start()
                    for _ in 0..<Self.count {
                        let response = try connection.exchange(
                            request.target, method: request.method, fields: request.fields)
                        #expect(response.status == request.status)
                    }
                    allocations = counter.stop().http
                    return allocations == 0
                }
                try #require(
                    isFree, "\(request): \(allocations) in \(Self.count), the first by\n\(counter.firstCallers)")
            }
        }

        /// What requests with many READs cost beyond what they cost with one. The release build: without optimisation each closure
        /// on the way is an allocation.
        @Test(
            .enabled(if: ServerProcess.hasReleaseBinary, "there is no release build: `make test` makes it"),
            arguments: ["copy", "splice", "mmap"])
        func aReadCostsNoAllocationOfOurs(_ strategy: String) throws {
            let counter = try AllocationCounter()
            let site = try Site(
                options: ["--profile", "seed", "--fuse-read", strategy, "--workers", "1"], prefix: counter.prefix,
                binary: ServerProcess.releaseBinaryPath)
            try site.write("short", RandomBytes.make(1000))
            try site.write("long", RandomBytes.make(5_000_000))
            // A file that has just changed is treated in another way (ContentVersion.isRecent), and must not grow old meanwhile.
            usleep(3_100_000)
            let connection = try site.connect(.mount)
            func cost(_ target: String) throws -> (allocations: UInt64, reads: UInt64) {
                func reads() throws -> UInt64 {
                    try site.server.metrics()["serverfs_fuse_requests_total{operation=\"read\"}"]
                }
                for _ in 1...3 { #expect(try connection.exchange(target).status == 200) }
                let before = try reads()
                counter.start()
                for _ in 1...20 { #expect(try connection.exchange(target).status == 200) }
                let allocations = counter.stop().fuse
                return (allocations, try reads() - before)
            }
            let (short, long) = (try cost("/short"), try cost("/long"))
            let (allocations, reads) = (Int(long.allocations) - Int(short.allocations), long.reads - short.reads)
            #expect(reads > 500)
            // libfuse allocates its description of each request.
            #expect(abs(allocations - Int(reads)) < Int(reads) / 10, "\(short) \(long)")
        }
    }
}

import CTestCalls
import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Every combination of API, open, read and cache strategy: each question asked of the mount and of the docroot.
    @Suite(.timeLimit(.minutes(2)))
    struct DifferentialTests {
        private static let sharedTree = Result { try DifferentialTree() }
        private let tree: DifferentialTree

        init() throws { tree = try Self.sharedTree.get() }

        @Test(arguments: Combination.allowed)
        func theMountAnswersAsTheDocrootDoes(_ combination: Combination) throws {
            let mounted = try MountedDocroot(tree.path, combination.options)
            // Twice: what the kernel keeps of the first time must be as right as what it was told.
            for _ in 1...2 {
                try expectSameFacts(mounted)
                try expectSameBytes(mounted)
                try expectSameHoles(mounted)
            }
            try expectSameFailures(mounted)
            try expectNoExtendedAttributes(mounted)
            try expectSameFileSystem(mounted)
            #expect(mounted.server.stop() == .exited(0))
        }

        // MARK: - Names and attributes

        private func expectSameFacts(_ mounted: MountedDocroot) throws {
            let all = try DifferentialTree.all(below: mounted.docroot)
            let listed = try DifferentialTree.all(below: mounted.mountPoint)
            #expect(all.count > 300)
            #expect(listed.map(\.1) == all.map(\.1))
            for path in [TreePath([])] + all.map(\.0) {
                let (expected, birth) = try FileFacts.of(path.absolute(in: mounted.docroot))
                let (found, foundBirth) = try FileFacts.of(path.absolute(in: mounted.mountPoint))
                #expect(found == expected, "\(path)")
                // libfuse 3.14 cannot tell it: what must not be is a wrong one.
                #expect(foundBirth == 0 || foundBirth == birth, "\(path)")
            }
            func hard(_ name: TreePath) throws -> FileFacts {
                try FileFacts.of(name.absolute(in: mounted.mountPoint)).0
            }
            #expect(try hard("hard") == hard("26400"))
            #expect(try hard("names/hard").links == 3)
        }

        // MARK: - Bytes

        private func expectSameBytes(_ mounted: MountedDocroot) throws {
            var generator = SeededGenerator(seed: 4)
            for size in DifferentialTree.sizes {
                let pieces = (0..<20).map { _ in
                    let length = Int.random(in: 1...300_000, using: &generator)
                    return (Int64.random(in: 0...Int64(size + 5000), using: &generator), length)
                }
                try expectSame(pieces + [(0, size + 1), (Int64(size), 1), (1 << 40, 10)], of: "\(size)", mounted)
            }
            let pieces = (DifferentialTree.islands.map(\.lowerBound) + [0, DifferentialTree.sparseBytes]).flatMap {
                edge in
                (0..<5).map { _ in
                    let offset = max(edge + Int64.random(in: -100_000...20_000, using: &generator), 0)
                    return (offset, Int.random(in: 1...200_000, using: &generator))
                }
            }
            try expectSame(pieces, of: "sparse", mounted)
            #expect(try readFile(Array("\(mounted.mountPoint)/hard".utf8)) == RandomBytes.make(26_400, from: 26_400))
        }

        private func expectSame(_ pieces: [(Int64, Int)], of name: String, _ mounted: MountedDocroot) throws {
            let files = try mounted.sides.map { try SharedDescriptor(Files.open("\($0)/\(name)", flags: O_RDONLY)) }
            let lengthMax = pieces.map(\.1).max() ?? 0
            let buffers = files.map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: lengthMax, alignment: 4096)
            }
            defer { for buffer in buffers { buffer.deallocate() } }
            for (offset, length) in pieces {
                let counts = try zip(files, buffers).map { file, buffer in
                    try Files.read(file.rawValue, into: .init(rebasing: buffer[..<length]), at: offset)
                }
                let isSame =
                    counts[0] == counts[1] && memcmp(buffers[0].baseAddress!, buffers[1].baseAddress!, counts[0]) == 0
                #expect(isSame, "\(name) at \(offset), \(length) bytes: \(counts) came")
            }
        }

        private func expectSameHoles(_ mounted: MountedDocroot) throws {
            let maps = try mounted.sides.map { side in
                try ["sparse", "3000001", "0"].map { try holes(of: "\(side)/\($0)") }
            }
            #expect(maps[1] == maps[0])
            #expect(maps[0][0].count > 2 * DifferentialTree.islands.count, "the file system under /tmp keeps no holes")
        }

        /// Each change from data to hole and back, and how the search ends; and what is said of places that make no sense.
        private func holes(of path: String) throws -> [String] {
            let file = try Files.open(path, flags: O_RDONLY)
            func find(_ extent: FileExtent, from offset: Int64) -> (text: String, offset: Int64?) {
                do throws(Errno) {
                    let found = try Files.find(extent, in: file.rawValue, from: offset)
                    return ("\(extent) \(offset): \(found)", found)
                } catch {
                    return ("\(extent) \(offset): errno \(error.rawValue)", nil)
                }
            }
            var found: [String] = []
            var position: Int64 = 0
            for step in 0..<100 {
                let (text, next) = find(step % 2 == 0 ? .data : .hole, from: position)
                found.append(text)
                guard let next else { break }
                position = next
            }
            for offset in [-1, 1, 66_000, 1 << 31, DifferentialTree.sparseBytes, 1 << 60] as [Int64] {
                found += [find(.data, from: offset).text, find(.hole, from: offset).text]
            }
            return found
        }

        // MARK: - Failures

        private func expectSameFailures(_ mounted: MountedDocroot) throws {
            let long = String(repeating: "n", count: 256)
            let paths = [
                "", "loop", "loop/x", "dangling", "missing", "missing/x", "1/", "1/x", "1/../1", "link/x", long,
                "\(long)/x",
                "sticky/\(long)", String(repeating: "n", count: 1025), "chain-\(DifferentialTree.linksMax)",
                "chain-\(DifferentialTree.linksMax + 1)", String(repeating: "./", count: 1900) + "1",
                String(repeating: "./", count: 2100) + "1", "sticky", "sticky/", "fifo/x", "names/../names/../1",
                "\u{1}",
                "long-link",
            ]
            let both = mounted.sides.map { side in paths.map { failures("\(side)/\($0)") } }
            for (index, path) in paths.enumerated() { #expect(both[1][index] == both[0][index], "\(path)") }
            for code in [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL, 0] {
                #expect(both[0].contains { $0.contains(code) }, "nothing gives \(code)")
            }
        }

        /// The errno of each way to use a path.
        private func failures(_ path: String) -> [CInt] {
            func closing(_ descriptor: CInt) -> CInt {
                if descriptor >= 0 { close(descriptor) }
                return descriptor
            }
            var status = stat()
            var target = [CChar](repeating: 0, count: 100)
            return [
                failure { stat(path, &status) },
                failure { lstat(path, &status) },
                failure { readlink(path, &target, target.count) },
                failure { access(path, R_OK) },
                failure { closing(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) },
                failure { closing(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) },
                failure { closing(open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)) },
                failure { chdir("\(path)/never/there") },
            ]
        }

        // MARK: - Extended attributes, and the file system

        /// The docroot's are not passed on, and the mount says so.
        private func expectNoExtendedAttributes(_ mounted: MountedDocroot) throws {
            let name = "user.serverfs"
            for file in ["26400", "names"] {
                // Set here, for the test: it moves the time of status change only, which nobody compares any more.
                try #require(setxattr("\(mounted.docroot)/\(file)", name, "value", 5, 0) == 0)
                var value = [CChar](repeating: 0, count: 100)
                #expect(getxattr("\(mounted.docroot)/\(file)", name, &value, value.count) == 5)
                let path = "\(mounted.mountPoint)/\(file)"
                for _ in 1...2 {
                    #expect(failure { getxattr(path, name, &value, value.count) } == EOPNOTSUPP)
                    #expect(failure { listxattr(path, &value, value.count) } == EOPNOTSUPP)
                }
                removexattr("\(mounted.docroot)/\(file)", name)
            }
        }

        private func expectSameFileSystem(_ mounted: MountedDocroot) throws {
            let both = try mounted.sides.map { side in
                var status = statvfs()
                guard statvfs("\(side)/names", &status) == 0 else { throw Errno(rawValue: errno) }
                return status
            }
            for status in both {
                #expect(status.f_bsize == both[0].f_bsize)
                #expect(status.f_frsize == both[0].f_frsize)
                #expect(status.f_blocks == both[0].f_blocks)
                #expect(status.f_files == both[0].f_files)
                #expect(status.f_namemax == both[0].f_namemax)
                // Others write to the same disk meanwhile.
                func isAbout(_ count: UInt, _ expected: UInt, of all: UInt) -> Bool {
                    abs(Double(count) - Double(expected)) < 0.05 * Double(all)
                }
                #expect(isAbout(status.f_bfree, both[0].f_bfree, of: both[0].f_blocks))
                #expect(isAbout(status.f_bavail, both[0].f_bavail, of: both[0].f_blocks))
                #expect(isAbout(status.f_ffree, both[0].f_ffree, of: both[0].f_files))
            }
            #expect(both[1].f_flag & UInt(ST_RDONLY) != 0)
        }
    }
}

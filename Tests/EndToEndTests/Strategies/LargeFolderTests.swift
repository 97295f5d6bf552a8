import Glibc
import Platform
import Testing

extension EndToEnd {
    /// A folder of 100,000 names.
    @Suite(.timeLimit(.minutes(2)))
    struct LargeFolderTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
        }

        /// The records of a folder (`struct linux_dirent64`) from `offset` on, as the kernel gives them.
        private func records(
            of path: String, from offset: Int64 = 0, chunkBytes: Int = 1 << 18
        ) throws -> [UInt8] {
            let directory = try Files.open(path, flags: O_RDONLY | O_DIRECTORY)
            try Files.seekDirectory(directory.rawValue, to: offset)
            var all: [UInt8] = []
            // The kernel leaves the bytes between a name and the next record as they were.
            var chunk = [UInt8](repeating: 0, count: chunkBytes)
            while true {
                let count = try chunk.withUnsafeMutableBytes { bytes in
                    memset(bytes.baseAddress!, 0, bytes.count)
                    return try Files.readDirectory(directory.rawValue, into: bytes)
                }
                if count == 0 { return all }
                all += chunk[..<count]
            }
        }

        /// Each record's start, with its offset (where the next one is read from) and its name.
        private func parse(_ records: [UInt8]) -> [(start: Int, offset: Int64, name: [UInt8])] {
            records.withUnsafeBytes { bytes in
                var found: [(Int, Int64, [UInt8])] = []
                var start = 0
                while start < bytes.count {
                    let length = Int(bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt16.self))
                    let offset = bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self)
                    let name = bytes[(start + 19)..<(start + length)].prefix { $0 != 0 }
                    found.append((start, offset, Array(name)))
                    start += length
                }
                return found
            }
        }

        @Test func aFolderOf100000NamesListsInFullAndInOrderToManyAtOnce() throws {
            let large = try folder.makeFolder("docroot/large")
            for number in 0..<100_000 { close(open("\(large)/name \(number)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)) }
            let expected = try records(of: large)
            let parsed = parse(expected)
            #expect(Set(parsed.map(\.name)).count == 100_002)
            #expect(parsed.count == 100_002)

            for options in [[], ["--fuse-open", "per-open", "--fuse-cache", "timeout"]] {
                let mounted = try MountedDocroot(docroot, options, cutAfterSeconds: 90)
                let path = "\(mounted.mountPoint)/large"
                try onThreads(8) { thread in
                    if thread < 2 { try statAll(parsed.map(\.name), in: path) }
                    let found = try records(of: path, chunkBytes: thread == 7 ? 4000 : 1 << 18)
                    guard found == expected else {
                        throw ClientFailure.mismatch("thread \(thread) got \(found.count) of \(expected.count) bytes")
                    }
                }
                var generator = SeededGenerator(seed: 10)
                for _ in 1...10 {
                    let index = Int.random(in: 0..<(parsed.count - 1), using: &generator)
                    let rest = try records(of: path, from: parsed[index].offset)
                    let isTheRest = rest == Array(expected[parsed[index + 1].start...])
                    #expect(isTheRest, "from record \(index) on")
                }
                try expectSeekingInOneListing(path, parsed.map(\.name))
                #expect(try mounted.server.metrics().fuseRequests("readdirplus") > 0)
                #expect(mounted.server.stop() == .exited(0))
            }
        }

        /// Lists as `find -ls` does: each name is asked for its attributes as it comes, so the kernel asks for names and
        /// attributes at once.
        private func statAll(_ names: [[UInt8]], in path: String) throws {
            guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
            defer { closedir(directory) }
            var status = stat()
            for name in names {
                guard let entry = readdir(directory) else { throw ClientFailure.mismatch("the list ends early") }
                try withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    try pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                        let isSame = name.withUnsafeBytes { memcmp(text, $0.baseAddress!, $0.count) == 0 }
                        guard isSame, text[name.count] == 0 else {
                            throw ClientFailure.mismatch("\(String(cString: text)) out of order")
                        }
                        guard fstatat(dirfd(directory), text, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                            throw Errno(rawValue: errno)
                        }
                    }
                }
                guard UInt64(status.st_ino) == UInt64(entry.pointee.d_ino) || name == Array("..".utf8) else {
                    throw ClientFailure.mismatch("inode \(entry.pointee.d_ino) listed, \(status.st_ino) found")
                }
            }
            guard readdir(directory) == nil else { throw ClientFailure.mismatch("the list does not end") }
        }

        /// Goes forth and back in one open folder (`telldir(3)`, `seekdir(3)`, `rewinddir(3)`).
        private func expectSeekingInOneListing(_ path: String, _ names: [[UInt8]]) throws {
            guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
            defer { closedir(directory) }
            func next() -> [UInt8]? {
                guard let entry = readdir(directory) else { return nil }
                return withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            }
            var places: [(index: Int, place: Int)] = []
            for index in 0..<30_000 {
                if index % 3000 == 7 { places.append((index, telldir(directory))) }
                #expect(next() == names[index])
            }
            for (index, place) in places.reversed() + places {
                seekdir(directory, place)
                for step in 0..<50 { #expect(next() == names[index + step]) }
                #expect(telldir(directory) != place)
            }
            rewinddir(directory)
            #expect(next() == names[0])
        }
    }
}

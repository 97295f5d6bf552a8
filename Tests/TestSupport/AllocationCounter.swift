import Glibc
import Platform
import Synchronization

/// Counts the allocations of a server's threads: a library that is preloaded into it (Tests/AllocationCount), and a page of memory
/// that the two share.
package final class AllocationCounter: @unchecked Sendable {
    private let folder: PrivateFolder
    private let path: String
    /// `struct allocation_counts`: whether it is counted, and the counts.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    private static let pageBytes = 4096
    /// It is built next to the test runner.
    private static let libraryPath: String = {
        let folder = ServerProcess.binaryPath.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/libAllocationCount.so"
    }()

    package init() throws {
        folder = try PrivateFolder()
        path = try folder.write("allocations", [UInt8](repeating: 0, count: Self.pageBytes))
        let file = try Files.open(path, flags: O_RDWR)
        let memory = mmap(nil, Self.pageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
        guard let memory, memory != MAP_FAILED else { throw Errno(rawValue: errno) }
        words = memory.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    deinit { munmap(UnsafeMutableRawPointer(words), Self.pageBytes) }

    /// What runs a server so that it counts.
    package var prefix: [String] {
        ["env", "LD_PRELOAD=\(Self.libraryPath)", "SERVERFS_ALLOCATIONS=\(path)"]
    }

    /// Counts from 0 on.
    package func start() {
        for index in 1...2 { words[index].store(0, ordering: .relaxed) }
        truncate(path, Self.pageBytes)
        words[0].store(1, ordering: .releasing)
    }

    /// Ends the counting: how many allocations there were.
    package func stop() -> (http: UInt64, fuse: UInt64) {
        words[0].store(0, ordering: .releasing)
        return (words[1].load(ordering: .acquiring), words[2].load(ordering: .acquiring))
    }

    /// The calls that made the first allocation of an HTTP thread since `start`.
    package var firstCallers: String {
        guard let file = try? Files.open(path, flags: O_RDONLY) else { return "" }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = bytes.withUnsafeMutableBytes { buffer in
            (try? Files.read(file.rawValue, into: buffer, at: Int64(Self.pageBytes))) ?? 0
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

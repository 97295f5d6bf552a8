import Glibc
import Platform
import Testing

@testable import FuseProxy

@Suite struct MappingTests {
    private let folder: ScratchFolder
    private let inode = InodeNumber(index: 5, generation: 0)

    init() throws { folder = try ScratchFolder() }

    private func read(_ cache: MappingCache, _ descriptor: CInt, at offset: Int64, count: Int) throws -> [UInt8] {
        try withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { room in
            let read = try cache.read(inode, descriptor, into: room, at: offset)
            return Array(room[..<read])
        }
    }

    @Test func readsWhatTheFileHolds() throws {
        folder.write(String(repeating: "abcdefgh", count: 5000), to: "/file")
        let file = try Files.open(folder.path + "/file", flags: O_RDONLY)
        let cache = MappingCache()
        #expect(try read(cache, file.rawValue, at: 8, count: 4) == Array("abcd".utf8))
        #expect(try read(cache, file.rawValue, at: 39_996, count: 100) == Array("efgh".utf8))
        #expect(try read(cache, file.rawValue, at: 40_000, count: 100) == [])
        #expect(cache.count == 1)
    }

    @Test func aFileCutShortUnderItsMappingIsReadToItsNewEndAndKillsNobody() throws {
        folder.write(String(repeating: "x", count: 100_000), to: "/file")
        let file = try Files.open(folder.path + "/file", flags: O_RDONLY)
        let cache = MappingCache()
        #expect(try read(cache, file.rawValue, at: 0, count: 100_000).count == 100_000)
        let mapping = try cache.mapping(of: inode, window: 0, descriptor: file.rawValue)
        truncate(folder.path + "/file", 10)
        // The mapping still spans the window: touching it past the end would be SIGBUS. A copy by the kernel only fails.
        #expect(try read(cache, file.rawValue, at: 0, count: 100_000).count == 10)
        #expect(try read(cache, file.rawValue, at: 50_000, count: 10).count == 0)
        withExtendedLifetime(mapping) {}
    }

    @Test func mapsNoMoreWindowsThanItsCapacity() throws {
        folder.write("x", to: "/file")
        truncate(folder.path + "/file", off_t(MappingCache.windowBytes) * 200)
        let file = try Files.open(folder.path + "/file", flags: O_RDONLY)
        let cache = MappingCache()
        for window in 0..<200 {
            let offset = Int64(window) * Int64(MappingCache.windowBytes)
            #expect(try read(cache, file.rawValue, at: offset, count: 1) == [window == 0 ? 0x78 : 0])
            #expect(cache.count <= MappingCache.capacity)
        }
        cache.forget([inode])
        #expect(cache.count == 0)
    }

    /// Whatever is given up, each of the others is found again, and has its turn on the clock.
    @Test func whatIsKeptIsFoundAfterOthersAreGivenUp() throws {
        folder.write("x", to: "/file")
        truncate(folder.path + "/file", off_t(MappingCache.windowBytes) * 300)
        let file = try Files.open(folder.path + "/file", flags: O_RDONLY)
        let cache = MappingCache()
        let other = InodeNumber(index: 6, generation: 0)
        func mapping(_ inode: InodeNumber, _ window: Int64) throws -> FileMapping {
            try cache.mapping(of: inode, window: window, descriptor: file.rawValue)
        }
        for window in Int64(0)..<10 { _ = (try mapping(inode, window), try mapping(other, window)) }
        let kept = try (Int64(0)..<10).map { try mapping(other, $0) }
        cache.forget([inode])
        #expect(cache.count == 10)
        for window in Int64(0)..<10 { #expect(try mapping(other, window) === kept[Int(window)]) }
        // Used all the while, they outlive what comes and goes.
        for window in Int64(0)..<300 {
            _ = try mapping(inode, window)
            for window in Int64(0)..<10 { #expect(try mapping(other, window) === kept[Int(window)]) }
        }
        #expect(cache.count == MappingCache.capacity)
    }
}

import Glibc
import Platform
import Testing

@testable import HTTPServer

@Suite struct OpenFileCacheTests {
    @Test func findsWhatWasInsertedByItsPath() throws {
        let cache = OpenFileCache(capacity: 8)
        let file = try insert("index.html", into: cache)
        #expect(find("index.html", in: cache) === file)
        #expect(find("index.htm", in: cache) == nil)
        #expect(find("", in: cache) == nil)
    }

    @Test func holdsNoMoreThanItsCapacityAndKeepsWhatIsUsed() throws {
        let cache = OpenFileCache(capacity: 4)
        let kept = try insert("kept", into: cache)
        for index in 0..<50 {
            #expect(find("kept", in: cache) === kept)
            _ = try insert("other-\(index)", into: cache)
            #expect(cache.count <= 4)
        }
        #expect(find("kept", in: cache) === kept)
        #expect(find("other-0", in: cache) == nil)
    }

    @Test func theOldestUnusedFileGivesItsPlace() throws {
        let cache = OpenFileCache(capacity: 3)
        for index in 1...30 { _ = try insert("f\(index)", into: cache) }
        for index in 1...30 { #expect((find("f\(index)", in: cache) != nil) == (index >= 28), "f\(index)") }
    }

    @Test func aFileThatNobodyAsksForIsClosed() throws {
        let cache = OpenFileCache(capacity: 8)
        _ = try insert("idle", into: cache)
        _ = try insert("used", into: cache)
        _ = find("used", in: cache)
        cache.removeIdle(before: 5)
        #expect(find("idle", in: cache) == nil)
        #expect(find("used", in: cache) != nil)
        #expect(cache.count == 1)
    }

    @Test func aRemovedFileIsClosedWhenItsLastUserLetsGo() throws {
        let cache = OpenFileCache(capacity: 4)
        var file: OpenFile? = try insert("a", into: cache)
        weak let observer = file
        cache.remove(file!)
        #expect(find("a", in: cache) == nil)
        #expect(observer != nil)
        file = nil
        #expect(observer == nil)
    }

    @Test func removingAllLetsGoOfEveryFile() throws {
        let cache = OpenFileCache(capacity: 64)
        var observers: [Observer] = []
        for index in 0..<64 { observers.append(Observer(try insert("file-\(index)", into: cache))) }
        #expect(observers.allSatisfy { $0.file != nil })
        cache.removeAll()
        #expect(cache.count == 0)
        #expect(observers.allSatisfy { $0.file == nil })
    }

    @Test func collidingPathsAreKeptApart() throws {
        // Sixteen buckets and 200 files: every bucket has a chain.
        let cache = OpenFileCache(capacity: 200)
        let files = try (0..<200).map { try insert("f\($0)", into: cache) }
        for index in stride(from: 0, to: 200, by: 3) { cache.remove(files[index]) }
        for index in 0..<200 {
            #expect(find("f\(index)", in: cache) === (index % 3 == 0 ? nil : files[index]))
        }
    }

    private final class Observer {
        weak var file: OpenFile?
        init(_ file: OpenFile) { self.file = file }
    }

    private func insert(_ path: String, into cache: OpenFileCache) throws -> OpenFile {
        var path = path
        return try path.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            let descriptor = try Files.open("/etc/passwd", flags: O_RDONLY)
            let status = try Files.status(descriptor.rawValue)
            let file = OpenFile(descriptor, status: status, path: raw)
            cache.insert(file, path: raw, hash: OpenFileCache.hash(raw), tick: 0)
            return file
        }
    }

    private func find(_ path: String, in cache: OpenFileCache) -> OpenFile? {
        var path = path
        return path.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            return cache.find(raw, hash: OpenFileCache.hash(raw), tick: 5)
        }
    }
}

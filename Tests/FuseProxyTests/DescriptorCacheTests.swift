import Glibc
import Platform
import Testing

@testable import FuseProxy

@Suite struct DescriptorCacheTests {
    private func inode(_ index: UInt32) -> InodeNumber { InodeNumber(index: index, generation: 0) }

    private func descriptor() throws -> SharedDescriptor {
        SharedDescriptor(try Files.open("/dev/null", flags: O_RDONLY))
    }

    @Test func holdsNoMoreThanItsCapacityAndKeepsWhatIsUsed() throws {
        let cache = DescriptorCache(capacity: 4)
        let kept = cache.insert(try descriptor(), for: inode(1))
        for index in 2..<100 {
            #expect(cache[inode(1)] === kept)
            cache.insert(try descriptor(), for: inode(UInt32(index)))
            #expect(cache.count <= 4)
        }
    }

    @Test func whatIsPinnedStaysBeyondTheCapacityUntilItIsUnpinned() throws {
        let cache = DescriptorCache(capacity: 2)
        for index in 1...10 { cache.insert(try descriptor(), for: inode(UInt32(index)), pinned: true) }
        #expect(cache.count == 10)
        for index in 1...10 { #expect(cache[inode(UInt32(index))] != nil) }
        for index in 1...10 { cache.unpin(inode(UInt32(index))) }
        #expect(cache.count <= 2)
    }

    @Test func theFirstOfTwoDescriptorsOfAnInodeIsKept() throws {
        let cache = DescriptorCache(capacity: 4)
        let first = try descriptor()
        #expect(cache.insert(first, for: inode(1), pinned: true) === first)
        #expect(cache.insert(try descriptor(), for: inode(1), pinned: true) === first)
        cache.unpin(inode(1))
        cache.unpin(inode(1))
        cache.unpin(inode(1))
        cache.remove([inode(1), inode(2)])
        #expect(cache.count == 0)
    }

    @Test func aDroppedDescriptorIsClosedAndAHeldOneIsNot() throws {
        let cache = DescriptorCache(capacity: 1)
        let held = cache.insert(try descriptor(), for: inode(1))
        cache.removeAll()
        #expect(fcntl(held.rawValue, F_GETFD) >= 0)
    }
}

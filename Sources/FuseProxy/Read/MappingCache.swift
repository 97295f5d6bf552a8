import CKernel
import Platform

/// The `mmap` strategy's mappings, by inode and window: a bounded number, and a clock that finds the one to give up. Any FUSE
/// thread; nothing is mapped or unmapped under the lock.
final class MappingCache: Sendable {
    /// Windows start at multiples of this, and are as long, whether or not the file reaches to their end: 8 MiB.
    static let windowBytes = 8 << 20
    /// Windows at the most: 1 GiB of address space; memory is the page cache's own.
    static let capacity = 128

    fileprivate struct Key: Hashable {
        var inode: InodeNumber
        var window: Int64
    }

    fileprivate struct State {
        /// Each with its place on the clock. What a READ changes stands there: to change a dictionary's value in place allocates.
        var entries: [Key: (mapping: FileMapping, place: Int)] = [:]
        var clock: [(key: Key, wasUsed: Bool)] = []
        var hand = 0
    }

    private let state = Guarded(State())

    /// The window of `inode`'s file, mapped now if it is not yet.
    func mapping(of inode: InodeNumber, window: Int64, descriptor: CInt) throws(Errno) -> FileMapping {
        let key = Key(inode: inode, window: window)
        let known: FileMapping? = state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            state.clock[entry.place].wasUsed = true
            return entry.mapping
        }
        if let known { return known }
        let bytes = Self.windowBytes
        let made = try FileMapping(descriptor, offset: window * Int64(bytes), byteCount: bytes)
        let dropped = state.withLock { $0.insert(made, for: key) }
        _ = dropped
        return made
    }

    /// Copies from the file's mapping, without ever touching it itself: where it has no page, because the file was cut short,
    /// the copy fails and the file is read instead.
    func read(
        _ inode: InodeNumber, _ descriptor: CInt, into room: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(Errno) -> Int {
        let available = max(Int64(try Files.status(descriptor).st_size) - offset, 0)
        let count = Int(min(Int64(room.count), available))
        let start = Int(offset % Int64(Self.windowBytes))
        guard count > 0, start + count <= Self.windowBytes else {
            return try CopyReader.read(descriptor, into: room, at: offset)
        }
        let window = offset / Int64(Self.windowBytes)
        let mapping = try mapping(of: inode, window: window, descriptor: descriptor)
        let copied = kernel_copy_mapped(room.baseAddress, mapping.base + start, count)
        withExtendedLifetime(mapping) {}
        guard copied == count else { return try CopyReader.read(descriptor, into: room, at: offset) }
        return count
    }

    /// Gives up what is mapped of inodes that the kernel has forgotten.
    func forget(_ inodes: [InodeNumber]) {
        let dropped: [FileMapping] = state.withLock { state in
            guard !state.entries.isEmpty else { return [] }
            let keys = state.clock.map(\.key).filter { inodes.contains($0.inode) }
            guard !keys.isEmpty else { return [] }
            state.clock.removeAll { inodes.contains($0.key.inode) }
            state.hand = 0
            let dropped = keys.compactMap { state.entries.removeValue(forKey: $0)?.mapping }
            for (place, (key, _)) in state.clock.enumerated() { state.entries[key]?.place = place }
            return dropped
        }
        _ = dropped
    }

    var count: Int { state.withLock { $0.entries.count } }
}

extension MappingCache.State {
    /// - Returns: what was dropped for it, to be unmapped outside the lock.
    fileprivate mutating func insert(_ mapping: FileMapping, for key: MappingCache.Key) -> FileMapping? {
        if let present = entries[key] {
            entries[key] = (mapping, present.place)
            clock[present.place].wasUsed = true
            return present.mapping
        }
        guard clock.count == MappingCache.capacity else {
            entries[key] = (mapping, clock.count)
            clock.append((key, false))
            return nil
        }
        while clock[hand].wasUsed {
            clock[hand].wasUsed = false
            hand = (hand + 1) % MappingCache.capacity
        }
        let victim = clock[hand].key
        clock[hand] = (key, false)
        entries[key] = (mapping, hand)
        hand = (hand + 1) % MappingCache.capacity
        return entries.removeValue(forKey: victim)!.mapping
    }
}

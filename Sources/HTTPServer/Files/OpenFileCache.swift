import Glibc

/// Open files by path, for one event loop: a hash table with chains, and a clock that finds the file to give up when it is
/// full. Event thread only. A file found costs no allocation.
final class OpenFileCache {
    /// A file's place in the cache.
    final class Entry {
        /// Unowned while the file is in the cache: cache entry and file go together.
        let file: OpenFile
        let hash: UInt64
        let path: UnsafeMutableRawBufferPointer
        var next: Entry?
        var clockIndex: Int
        var wasUsed = false

        init(_ file: OpenFile, path: UnsafeRawBufferPointer, hash: UInt64, clockIndex: Int) {
            self.file = file
            self.hash = hash
            self.path = .allocate(byteCount: path.count, alignment: 1)
            self.path.copyMemory(from: path)
            self.clockIndex = clockIndex
        }

        deinit { path.deallocate() }
    }

    let capacity: Int
    private var buckets: [Entry?]
    private var clock: [Entry] = []
    private var hand = 0

    init(capacity: Int) {
        self.capacity = capacity
        var bucketCount = 16
        while bucketCount < capacity { bucketCount *= 2 }
        buckets = [Entry?](repeating: nil, count: bucketCount)
    }

    var count: Int { clock.count }

    /// A hash of the path's bytes (FNV-1a, the high half folded in).
    static func hash(_ path: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash ^ (hash >> 32)
    }

    func find(_ path: UnsafeRawBufferPointer, hash: UInt64) -> OpenFile? {
        var entry = buckets[bucket(hash)]
        while let candidate = entry {
            if candidate.hash == hash, candidate.path.count == path.count,
                memcmp(candidate.path.baseAddress!, path.baseAddress!, path.count) == 0
            {
                candidate.wasUsed = true
                return candidate.file
            }
            entry = candidate.next
        }
        return nil
    }

    /// Adds a file that `find` did not find; when the cache is full, one that was not used for a while is closed.
    func insert(_ file: OpenFile, path: UnsafeRawBufferPointer, hash: UInt64) {
        if clock.count == capacity { removeVictim() }
        let entry = Entry(file, path: path, hash: hash, clockIndex: clock.count)
        clock.append(entry)
        file.cacheEntry = entry
        entry.next = buckets[bucket(hash)]
        buckets[bucket(hash)] = entry
    }

    func remove(_ file: OpenFile) {
        guard let entry = file.cacheEntry else { return }
        // The file names its entry and the entry its file: this is where the two let go of each other.
        file.cacheEntry = nil
        unlink(entry)
        let last = clock.removeLast()
        if last !== entry {
            clock[entry.clockIndex] = last
            last.clockIndex = entry.clockIndex
        }
    }

    func removeAll() {
        for entry in clock {
            entry.file.cacheEntry = nil
            entry.next = nil
        }
        clock = []
        buckets = [Entry?](repeating: nil, count: buckets.count)
    }

    private func removeVictim() {
        while true {
            if hand >= clock.count { hand = 0 }
            guard clock[hand].wasUsed else { break }
            clock[hand].wasUsed = false
            hand += 1
        }
        remove(clock[hand].file)
    }

    private func bucket(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (buckets.count - 1) }

    private func unlink(_ entry: Entry) {
        let bucket = bucket(entry.hash)
        if buckets[bucket] === entry {
            buckets[bucket] = entry.next
            return
        }
        var previous = buckets[bucket]
        while let candidate = previous {
            if candidate.next === entry {
                candidate.next = entry.next
                return
            }
            previous = candidate.next
        }
    }
}

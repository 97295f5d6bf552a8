import Glibc

/// Open files by path, for one event loop: a hash table with chains, and a clock that finds the file to give up when it is
/// full. Event thread only. A file found costs no allocation.
final class OpenFileCache {
    /// A file's place in the cache.
    final class Entry {
        let file: OpenFile
        let hash: UInt64
        let path: UnsafeMutableRawBufferPointer
        var next: Entry?
        var clockIndex: Int
        var wasUsed = false
        /// The loop's tick at which it was last asked for.
        var usedTick = 0

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

    func find(_ path: UnsafeRawBufferPointer, hash: UInt64, tick: Int) -> OpenFile? {
        var entry = buckets[bucket(hash)]
        while let candidate = entry {
            if candidate.hash == hash, candidate.path.count == path.count,
                memcmp(candidate.path.baseAddress!, path.baseAddress!, path.count) == 0
            {
                candidate.wasUsed = true
                candidate.usedTick = tick
                return candidate.file
            }
            entry = candidate.next
        }
        return nil
    }

    /// Adds a file that `find` did not find; when the cache is full, one that was not used for a while gives it its place.
    func insert(_ file: OpenFile, path: UnsafeRawBufferPointer, hash: UInt64, tick: Int) {
        let index = clock.count == capacity ? makeRoom() : clock.count
        let entry = Entry(file, path: path, hash: hash, clockIndex: index)
        if index == clock.count { clock.append(entry) } else { clock[index] = entry }
        entry.usedTick = tick
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
        hand = 0
    }

    /// Closes the files that were last asked for before `tick` (of the event loop).
    func removeIdle(before tick: Int) {
        for entry in clock where entry.usedTick < tick { remove(entry.file) }
    }

    func removeAll() {
        for entry in clock {
            entry.file.cacheEntry = nil
            entry.next = nil
        }
        clock = []
        buckets = [Entry?](repeating: nil, count: buckets.count)
    }

    /// Takes the next file that was not used since the hand last came by out of the table.
    ///
    /// - Returns: its place on the clock, which the hand has passed.
    private func makeRoom() -> Int {
        while clock[hand].wasUsed {
            clock[hand].wasUsed = false
            hand = (hand + 1) % clock.count
        }
        let index = hand
        hand = (hand + 1) % clock.count
        clock[index].file.cacheEntry = nil
        unlink(clock[index])
        return index
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

import Glibc
import Platform

/// The table behind `InodeTable`: slots addressed by index, free ones chained, and a hash from identity to index.
/// Guarded by the table's lock.
struct InodeSlots: ~Copyable {
    /// What one inode costs: this, its name, and four to eight bytes of hash.
    struct Slot {
        var identity = InodeIdentity(file: FileIdentity(device: 0, inode: 0))
        /// Lookups the kernel has not yet forgotten.
        var lookups: UInt64 = 0
        /// What the file was when the kernel was last told that it may keep its pages, and when it was last looked at.
        var keptContent = ContentVersion()
        var seenContent = ContentVersion()
        /// Whether the kernel, which has learnt that content, is told when it changes.
        var telling = Telling.never
        /// Whether a READ has met the file's end since the kernel was last told: it may keep the page in which that was.
        var hasMetEnd = false
        /// The moment when it was last told.
        var toldMoment: UInt64 = 0
        /// When the file was last looked at, CLOCK_MONOTONIC.
        var seenNanoseconds: UInt64 = 0
        /// `nameCount` bytes, not NUL-terminated; nil for the root and for free slots.
        var name: UnsafeMutablePointer<CChar>?
        var parent: UInt32 = 0
        /// How many slots name this one as their parent.
        var children: UInt32 = 0
        /// Counts how often the index has been used before.
        var generation: UInt32 = 0
        /// The next slot of the same hash bucket, or the next free slot; 0 ends the chain.
        var next: UInt32 = 0
        var nameCount: UInt8 = 0
        var isUsed = false
    }

    /// How far it is that the kernel is told that what it has learnt of a file has changed.
    enum Telling: UInt8 {
        /// Nobody will tell it.
        case never
        /// Somebody will.
        case awaited
        /// It is being told.
        case underWay
        /// It was told, and has learnt nothing since.
        case done
    }

    private static let rootIndex: UInt32 = 1
    /// Folders nested deeper than this cannot be reached by any path (PATH_MAX / 2).
    private static let depthMax = 2048
    static let inodesMax: UInt32 = 16 << 20

    var slots: UnsafeMutablePointer<Slot>
    var sizeDoubts = SizeDoubts()
    var grownFiles = GrownFiles()
    private var capacity: UInt32
    /// Slots below this have been used at least once; 0 is never used, so that 0 can end chains.
    private var highest: UInt32
    private var firstFree: UInt32 = 0
    private(set) var count = 1
    /// Heads of the hash chains; their number is a power of two.
    private var buckets: [UInt32]

    init(root: InodeIdentity) {
        capacity = 1024
        slots = .allocate(capacity: Int(capacity))
        slots.initialize(repeating: Slot(), count: Int(capacity))
        buckets = [UInt32](repeating: 0, count: 1024)
        highest = Self.rootIndex
        slots[Int(Self.rootIndex)] = Slot(identity: root, lookups: 1, isUsed: true)
        link(Self.rootIndex)
    }

    deinit {
        for index in 0..<Int(capacity) { free(slots[index].name) }
        slots.deallocate()
    }

    mutating func lookup(
        _ identity: InodeIdentity, parent: InodeNumber, name: ComponentName, gone: inout [InodeNumber]
    ) throws(Errno) -> InodeNumber {
        let parentIndex = try index(of: parent)
        if let index = find(identity) {
            if index != Self.rootIndex {
                gone = try move(index, to: parentIndex, name: name)
            }
            slots[Int(index)].lookups += 1
            return number(of: index)
        }
        let index = try takeFreeSlot()
        slots[Int(index)].identity = identity
        slots[Int(index)].lookups = 1
        slots[Int(index)].keptContent = ContentVersion()
        slots[Int(index)].seenContent = ContentVersion()
        slots[Int(index)].telling = .never
        slots[Int(index)].toldMoment = 0
        slots[Int(index)].hasMetEnd = false
        sizeDoubts.forget(index)
        grownFiles.forget(index)
        slots[Int(index)].isUsed = true
        slots[Int(index)].parent = parentIndex
        slots[Int(parentIndex)].children += 1
        setName(index, name)
        link(index)
        count += 1
        growBucketsIfNeeded()
        return number(of: index)
    }

    mutating func retain(_ inode: InodeNumber) {
        guard let index = try? index(of: inode) else { return }
        slots[Int(index)].lookups += 1
    }

    mutating func forget(_ inode: InodeNumber, lookups: UInt64) -> [InodeNumber] {
        guard let index = try? index(of: inode), index != Self.rootIndex else { return [] }
        slots[Int(index)].lookups -= min(lookups, slots[Int(index)].lookups)
        return releaseIfUnused(index)
    }

    borrowing func location(of inode: InodeNumber) throws(Errno) -> InodeLocation {
        let slot = slots[Int(try index(of: inode))]
        guard let name = slot.name else { throw .staleNFSFileHandle }
        return InodeLocation(
            identity: slot.identity, parent: number(of: slot.parent),
            name: ComponentName(copying: name, count: Int(slot.nameCount)))
    }

    borrowing func identity(of inode: InodeNumber) throws(Errno) -> InodeIdentity {
        slots[Int(try index(of: inode))].identity
    }

    borrowing func number(of identity: InodeIdentity) -> InodeNumber? {
        find(identity).map { number(of: $0) }
    }

    /// Whether some inode has that number, be it this file or one that had its number before.
    borrowing func hasAny(_ file: FileIdentity) -> Bool {
        var index = buckets[bucket(of: file)]
        while index != 0 {
            if slots[Int(index)].identity.file == file { return true }
            index = slots[Int(index)].next
        }
        return false
    }

    borrowing func all() -> [(InodeNumber, InodeLocation?)] {
        var all: [(InodeNumber, InodeLocation?)] = []
        for index in 1...highest where slots[Int(index)].isUsed {
            let number = number(of: index)
            all.append((number, try? location(of: number)))
        }
        return all
    }

    // MARK: - Slots

    borrowing func index(of inode: InodeNumber) throws(Errno) -> UInt32 {
        let index = inode.index
        guard index > 0, index <= highest, slots[Int(index)].isUsed,
            slots[Int(index)].generation == inode.generation
        else { throw .staleNFSFileHandle }
        return index
    }

    private borrowing func number(of index: UInt32) -> InodeNumber {
        InodeNumber(index: index, generation: slots[Int(index)].generation)
    }

    private mutating func takeFreeSlot() throws(Errno) -> UInt32 {
        if firstFree != 0 {
            let index = firstFree
            firstFree = slots[Int(index)].next
            return index
        }
        if highest + 1 == capacity {
            guard capacity < Self.inodesMax else { throw .tooManyOpenFilesInSystem }
            let larger = UnsafeMutablePointer<Slot>.allocate(capacity: Int(capacity) * 2)
            larger.moveInitialize(from: slots, count: Int(capacity))
            (larger + Int(capacity)).initialize(repeating: Slot(), count: Int(capacity))
            slots.deallocate()
            slots = larger
            capacity *= 2
        }
        highest += 1
        return highest
    }

    /// Frees the slot if neither the kernel nor a child needs it, then its parent if that was its last use, and so on up.
    ///
    /// - Returns: the inodes freed.
    private mutating func releaseIfUnused(_ first: UInt32) -> [InodeNumber] {
        var index = first
        var freed: [InodeNumber] = []
        while index != Self.rootIndex, slots[Int(index)].lookups == 0, slots[Int(index)].children == 0 {
            freed.append(number(of: index))
            sizeDoubts.forget(index)
            grownFiles.forget(index)
            unlink(index)
            free(slots[Int(index)].name)
            let parent = slots[Int(index)].parent
            let generation = slots[Int(index)].generation &+ 1
            slots[Int(index)] = Slot(generation: generation, next: firstFree)
            firstFree = index
            count -= 1
            slots[Int(parent)].children -= 1
            index = parent
        }
        return freed
    }

    /// Notes that the inode was found under another name or in another folder than before.
    ///
    /// - Returns: the inodes freed: the former folder, when this was its last use.
    private mutating func move(
        _ index: UInt32, to parent: UInt32, name: ComponentName
    ) throws(Errno) -> [InodeNumber] {
        var freed: [InodeNumber] = []
        if slots[Int(index)].parent != parent {
            var ancestor = parent
            var depth = 0
            while ancestor != Self.rootIndex {
                depth += 1
                if ancestor == index || depth > Self.depthMax { throw .staleNFSFileHandle }
                ancestor = slots[Int(ancestor)].parent
            }
            let former = slots[Int(index)].parent
            slots[Int(index)].parent = parent
            slots[Int(parent)].children += 1
            slots[Int(former)].children -= 1
            freed = releaseIfUnused(former)
        }
        setName(index, name)
        return freed
    }

    private mutating func setName(_ index: UInt32, _ name: ComponentName) {
        let slot = slots + Int(index)
        name.withBytes { bytes in
            if let present = slot.pointee.name {
                if Int(slot.pointee.nameCount) == bytes.count, memcmp(present, bytes.baseAddress!, bytes.count) == 0 {
                    return
                }
                free(present)
            }
            let copy = malloc(bytes.count)!.assumingMemoryBound(to: CChar.self)
            memcpy(copy, bytes.baseAddress!, bytes.count)
            slot.pointee.name = copy
            slot.pointee.nameCount = UInt8(bytes.count)
        }
    }

    // MARK: - Hash

    private borrowing func bucket(of identity: InodeIdentity) -> Int { bucket(of: identity.file) }

    private borrowing func bucket(of file: FileIdentity) -> Int {
        // Inode numbers are often consecutive: a multiplication spreads them over the high bits (Fibonacci hashing).
        let mixed = (file.inode ^ (file.device &<< 32)) &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed >> (64 - UInt64(buckets.count.trailingZeroBitCount)))
    }

    private borrowing func find(_ identity: InodeIdentity) -> UInt32? {
        var index = buckets[bucket(of: identity)]
        while index != 0 {
            if slots[Int(index)].identity == identity { return index }
            index = slots[Int(index)].next
        }
        return nil
    }

    private mutating func link(_ index: UInt32) {
        let bucket = bucket(of: slots[Int(index)].identity)
        slots[Int(index)].next = buckets[bucket]
        buckets[bucket] = index
    }

    private mutating func unlink(_ index: UInt32) {
        let bucket = bucket(of: slots[Int(index)].identity)
        if buckets[bucket] == index {
            buckets[bucket] = slots[Int(index)].next
            return
        }
        var previous = buckets[bucket]
        while slots[Int(previous)].next != index { previous = slots[Int(previous)].next }
        slots[Int(previous)].next = slots[Int(index)].next
    }

    private mutating func growBucketsIfNeeded() {
        guard count > buckets.count else { return }
        buckets = [UInt32](repeating: 0, count: buckets.count * 2)
        for index in 1...highest where slots[Int(index)].isUsed { link(index) }
    }
}

import Glibc
import Platform
import Synchronization

/// Where an inode was last found: enough to open it again, and to tell whether what is found there is still it.
struct InodeLocation {
    var identity: InodeIdentity
    var parent: InodeNumber
    var name: ComponentName
}

/// The inodes the kernel knows, each with the count of the lookups it must still forget.
///
/// An entry holds no descriptor: only its identity in the docroot and where it was last seen (parent and name). An entry
/// lives while the kernel counts lookups of it or while another entry names it as its parent. All methods may be called on
/// any FUSE thread; no system call is made and no other lock is taken under `state`'s lock.
final class InodeTable: Sendable {
    private let state: Guarded<InodeSlots>
    private let moments = Atomic<UInt64>(0)

    /// - Parameter root: the docroot's identity: inode 1, which is never forgotten.
    init(root: InodeIdentity) {
        state = Guarded(InodeSlots(root: root))
    }

    /// The number of inodes, the root included.
    var count: Int { state.withLock { $0.count } }

    /// Finds the inode of `identity` or makes it, adds one lookup, and notes where it was found: one critical section, so
    /// that a forget on another thread comes either before it or after it.
    ///
    /// - Throws: ESTALE when `parent` is unknown, or is by now *below* the inode, as happens when folders are moved about
    ///   under the kernel's cached view of them: the kernel then looks again from the root. ENFILE when the table is full.
    ///
    /// - Parameter gone: set to the inodes that this has made superfluous.
    func lookup(
        _ identity: InodeIdentity, parent: InodeNumber, name: ComponentName, gone: inout [InodeNumber]
    ) throws(Errno) -> InodeNumber {
        var freed: [InodeNumber] = []
        defer { gone = freed }
        return try state.withLock { (slots) throws(Errno) in
            try slots.lookup(identity, parent: parent, name: name, gone: &freed)
        }
    }

    /// Counts one more lookup of an inode that has at least one.
    func retain(_ inode: InodeNumber) { state.withLock { $0.retain(inode) } }

    /// Takes back `lookups` lookups.
    ///
    /// - Returns: the inodes that are gone now: this one, and its parents where it was their last use.
    @discardableResult
    func forget(_ inode: InodeNumber, lookups: UInt64) -> [InodeNumber] {
        state.withLock { $0.forget(inode, lookups: lookups) }
    }

    /// Where `inode` was last found.
    ///
    /// - Throws: ESTALE when it is unknown.
    func location(of inode: InodeNumber) throws(Errno) -> InodeLocation {
        try state.withLock { (slots) throws(Errno) in try slots.location(of: inode) }
    }

    /// The identity of `inode` in the docroot.
    ///
    /// - Throws: ESTALE when it is unknown.
    func identity(of inode: InodeNumber) throws(Errno) -> InodeIdentity {
        try state.withLock { (slots) throws(Errno) in try slots.identity(of: inode) }
    }

    /// The inode of `identity` if the kernel knows it; nothing is counted.
    func find(_ identity: InodeIdentity) -> InodeNumber? {
        state.withLock { $0.number(of: identity) }
    }

    /// Whether the kernel may know that file: one with its number it does know.
    func hasAny(_ file: FileIdentity) -> Bool { state.withLock { $0.hasAny(file) } }

    /// All inodes, each with where it was last found; the root has no such place.
    func all() -> [(InodeNumber, InodeLocation?)] {
        state.withLock { $0.all() }
    }

    /// Notes the version of the bytes that the kernel may keep for `inode` from now on.
    ///
    /// - Returns: whether it was surely the same the last time, so that pages kept from then are still right.
    func noteContent(_ version: ContentVersion, of inode: InodeNumber) -> Bool {
        state.withLock { $0.noteContent(version, of: inode) }
    }

    // MARK: - What the kernel is told, and what it answers READs by

    /// Counts how often the kernel is told of a change.
    var moment: UInt64 { moments.load(ordering: .acquiring) }

    /// Whether the kernel may be told now that an inode has changed: it may not while a READ of it is being answered by which
    /// it learns where the file ends. If it may, it is being told until `noteTold`. On the watcher's thread.
    func mayTell(_ inode: InodeNumber) -> Bool {
        let moment = moments.add(1, ordering: .acquiringAndReleasing).newValue
        return state.withLock { $0.mayTell(inode, moment: moment) }
    }

    /// Notes that the kernel has been told of a change. On the watcher's thread.
    func noteTold(_ inode: InodeNumber) { state.withLock { $0.noteTold(inode) } }

    /// What to do with a READ that has met the file's end at `end`. One that is answered `early` is on its way until
    /// `noteAnswered`.
    ///
    func judge(_ question: ReadQuestion, end: Int64, of inode: InodeNumber) -> ReadEnd {
        state.withLock { $0.judge(question, end: end, of: inode) }
    }

    /// Notes that a READ is going to be refused because the kernel is being told of a change, for the time of that number, and
    /// that this was seen to wait for pages.
    ///
    /// - Returns: false when that time is over: the READ must be judged again.
    func noteRefused(_ inode: InodeNumber, _ range: Range<Int64>, duringTelling telling: UInt64) -> Bool {
        state.withLock { $0.noteRefused(inode, range, duringTelling: telling) }
    }

    /// Whether a reader waits for that READ, or it may be so.
    func isReaders(_ inode: InodeNumber, _ range: Range<Int64>) -> Bool {
        state.withLock { $0.isReaders(inode, range) }
    }

    /// Notes that a READ that was to end early is answered.
    func noteAnswered(_ answer: EarlyAnswer) { state.withLock { $0.noteAnswered(answer) } }

    /// Notes the version that a look at the file has found.
    ///
    /// - Parameters:
    ///   - isTold: whether the kernel will be told when it changes.
    ///   - looked: a moment before the look.
    func noteSeen(_ version: ContentVersion, of inode: InodeNumber, isTold: Bool, looked: UInt64) -> SeenContent {
        state.withLock { $0.noteSeen(version, of: inode, isTold: isTold, looked: looked) }
    }
}

import Glibc
import Synchronization

/// What the kernel may keep, and for how long: by the cache policy, and by what the watch sees. Any FUSE thread.
final class CacheRules: Sendable {
    private let uncovered: CacheTimeouts
    /// nil unless the policy is `watched`.
    let watch: DocrootWatch?
    /// Whether the kernel can be told to drop the names that it knows not to exist, when events were lost.
    private let canDropNegativeEntries = Atomic(false)

    /// That of the docroot's file system, which alone is watched.
    private let device: UInt64

    /// - Parameter device: that of the docroot's file system.
    init(_ policy: CachePolicy, watch: DocrootWatch?, device: UInt64) {
        self.device = device
        uncovered = CacheTimeouts(policy)
        self.watch = watch
    }

    func allowNegativeEntries() { canDropNegativeEntries.store(true, ordering: .relaxed) }

    /// For what was found in the folder `parent`, or for the root, which has none.
    ///
    /// A file with several names may change through one in a folder that nobody watches: its attributes get a timeout. So do
    /// those of a folder that is itself not covered.
    func timeouts(_ inode: InodeNumber, parent: InodeNumber?, attributes: stat) -> CacheTimeouts {
        guard let watch else { return uncovered }
        let isFolder = attributes.st_mode & S_IFMT == S_IFDIR
        let isEntryCovered = parent.map { watch.covers($0) } ?? true
        // What is mounted on a name is on another file system, of which the watch tells nothing.
        let isWatchedDevice = UInt64(attributes.st_dev) == device
        let areAttributesCovered =
            isFolder ? watch.covers(inode) : isEntryCovered && isWatchedDevice && attributes.st_nlink == 1
        return CacheTimeouts(
            entrySeconds: isEntryCovered ? CacheTimeouts.unlimited : uncovered.entrySeconds,
            attributeSeconds: areAttributesCovered && isEntryCovered
                ? CacheTimeouts.unlimited : uncovered.attributeSeconds)
    }

    /// How long the kernel may know that a name in `parent` does not exist; 0 when it may not.
    func negativeSeconds(parent: InodeNumber) -> Double {
        guard let watch, canDropNegativeEntries.load(ordering: .relaxed), watch.covers(parent) else { return 0 }
        return CacheTimeouts.unlimited
    }

    /// Whether the kernel may keep the list of the folder `inode`.
    func mayKeepList(_ inode: InodeNumber) -> Bool { watch?.covers(inode) ?? false }
}

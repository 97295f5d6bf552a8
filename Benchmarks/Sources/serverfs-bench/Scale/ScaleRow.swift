/// What a tree of one size has shown.
struct ScaleRow {
    var files: Int
    /// Of one fstatat by name, over several passes: of the docroot, which the kernel knows, and of a fresh mount, which it
    /// does not know yet.
    var docrootNanoseconds: Spread
    var mountNanoseconds: Spread
    /// What the FUSE threads have worked for it.
    var daemonNanoseconds: Spread
    /// LOOKUP requests a file: what shows that the daemon was asked.
    var lookupRequests: Double
    /// The inodes the daemon holds after the lookups, the root among them, and what its memory has grown by since it had
    /// started.
    var inodes: Int
    var memoryGrowthBytes: Int
    /// After all has been read.
    var descriptors: Int
    /// Files found and read through the mount, and errors of all visits.
    var filesRead: Int
    var readNanoseconds: Int
    var failures: Int
    var firstError: Int
    /// The inodes after `echo 2 > /proc/sys/vm/drop_caches`, and after `echo 3` once there are pages too; nil without the
    /// privilege.
    var inodesAfterLookupsAndDrop: Int?
    var inodesAfterReadingAndDrop: Int?

    /// Daemon memory for one more inode, as the row before, with fewer, has it: the descriptor cache and the buffers, which
    /// are bounded, are in both.
    func bytesPerInode(beyond before: ScaleRow?) -> Double {
        let inodes = Double(inodes - (before?.inodes ?? 0))
        return Double(memoryGrowthBytes - (before?.memoryGrowthBytes ?? 0)) / inodes
    }
}

/// A listing of one large folder.
struct ListingResult {
    var docroot: VisitFigures
    var first: VisitFigures
    var second: VisitFigures
    /// Of the first.
    var requests: Int

    /// All entries, in the docroot's order, both times.
    var isComplete: Bool {
        [first, second].allSatisfy {
            $0.files == docroot.files && $0.digest == docroot.digest && $0.failures == 0
        } && docroot.failures == 0
    }
}

import Platform

/// The content of a small file that has just changed: all of it, and of the version that the response's head names. Any thread.
///
/// A file that changes now may change again while it is sent, and of its pages, which the kernel keeps, some may be of before and some
/// of after. So it is read at once and past them, by one READ of the daemon, and then asked for its version, which must be what it
/// was.
final class FileSnapshot: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let room: UnsafeMutableRawBufferPointer
    private let budget: CountBudget

    private init(_ room: UnsafeMutableRawBufferPointer, count: Int, budget: CountBudget) {
        self.room = room
        self.budget = budget
        bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
    }

    deinit {
        room.deallocate()
        budget.giveBack()
    }

    enum Attempt {
        case taken(FileSnapshot)
        /// The file has changed meanwhile. It is to be opened once more, a little later.
        case changed
        /// It cannot be read for now: who writes to it holds its lock, or the kernel is about to be told that it has grown, or its disk
        /// gives nothing. It is to be opened once more, later and later.
        case late
        /// It is larger than what is held in memory, or there are too many.
        case refused
        /// It cannot be read: the mount is gone, say.
        case failed(Errno)
    }

    /// Reads a file that is read past the kernel's pages (`Files.useDirectIO`).
    ///
    /// Whatever comes of it, the kernel knows the file's present size then: that of an earlier version it would go by until it is told
    /// of the change, however late that is.
    ///
    /// - Parameters:
    ///   - version: the file's before.
    ///   - budget: in which one is reserved for it, as long as it is used.
    static func take(_ descriptor: CInt, _ version: ContentVersion, budget: CountBudget) -> Attempt {
        guard version.size <= Limits.snapshotBytesMax, budget.reserve() else {
            // A larger one may be appended to all the time, and be sent up to where it ended.
            let present = try? Files.presentVersion(descriptor)
            return present.map { $0.size < version.size } ?? false ? .changed : .refused
        }
        let size = Int(version.size)
        // More, to see where it ends; and no whole number of pages, by which the daemon knows that none are kept.
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: (size + 64) | 1, alignment: 64)
        var count = 0
        var failure: Errno?
        do throws(Errno) { count = try Files.read(descriptor, into: room, at: 0) } catch { failure = error }
        let snapshot = FileSnapshot(room, count: count, budget: budget)
        switch failure {
        case nil: break
        case .ioError?: return .late
        // It was replaced.
        case .staleNFSFileHandle?: return .changed
        case let other?: return .failed(other)
        }
        guard let present = try? Files.presentVersion(descriptor) else { return .changed }
        // It has grown, and the daemon gives its former end until the kernel is told (`GrownFiles`).
        if count > Int(present.size) { return .late }
        return count == size && present == version ? .taken(snapshot) : .changed
    }
}

import Platform

/// The content of a small file that has just changed: all of it, and of the version that the response's head names. Any thread.
///
/// A file that changes now may change again while it is sent, and of its pages, which the kernel keeps, some may be of before and some
/// of after. So it is read at once and past them, by one READ of the daemon, and then asked for its version, which must be what it
/// was.
final class FileSnapshot: @unchecked Sendable {
    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private let room: UnsafeMutableRawBufferPointer
    private let budget: CountBudget

    /// - Parameter budget: what is given back to at the end.
    private init(_ room: UnsafeMutableRawBufferPointer, budget: CountBudget) {
        self.room = room
        self.budget = budget
    }

    /// Once, before anybody has it.
    private func keep(_ count: Int) { bytes = UnsafeRawBufferPointer(rebasing: room[..<count]) }

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
        /// The same, and by now it is longer, or about to be: where it is appended to all the time, it is sent up to where it ended.
        case refusedAndGrown
        /// It cannot be read: the mount is gone, say.
        case failed(Errno)

        fileprivate init(_ error: Errno) {
            self =
                switch error {
                case .ioError: .late
                // It was replaced.
                case .staleNFSFileHandle: .changed
                default: .failed(error)
                }
        }
    }

    /// Reads a file that is read past the kernel's pages (`Files.useDirectIO`).
    ///
    /// Unless that fails, the kernel knows the file's present size then: that of an earlier version it would go by until it is told
    /// of the change, however late that is.
    ///
    /// - Parameters:
    ///   - version: the file's before.
    ///   - budget: in which one is reserved for it, as long as it is used.
    static func take(_ descriptor: CInt, _ version: ContentVersion, budget: CountBudget) -> Attempt {
        do throws(Errno) {
            guard version.size <= Limits.snapshotBytesMax, budget.reserve() else {
                let present = try Files.presentVersion(descriptor)
                if present == version { return .refused }
                // Until the kernel is told that it has grown, the daemon gives its former end and times, but for the change time.
                let isFormer =
                    present.size == version.size && present.modifiedNanoseconds == version.modifiedNanoseconds
                return present.size > version.size || isFormer ? .refusedAndGrown : .changed
            }
            let size = Int(version.size)
            // More, to see where it ends; and no whole number of pages, by which the daemon knows that none are kept.
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: (size + 64) | 1, alignment: 64)
            let snapshot = FileSnapshot(room, budget: budget)
            let count = try Files.read(descriptor, into: room, at: 0)
            let present = try Files.presentVersion(descriptor)
            guard count == size, present == version else {
                // If it has grown, the daemon may give its former end until the kernel is told (`GrownFiles`).
                return count > Int(present.size) && present.size >= version.size ? .late : .changed
            }
            snapshot.keep(count)
            return .taken(snapshot)
        } catch {
            return Attempt(error)
        }
    }
}

import Glibc

/// A thread as others see it in /proc (`proc_pid_stat(5)`). It costs a descriptor.
package final class ThreadState: Sendable {
    private let file: OwnedDescriptor

    /// That of the calling thread.
    ///
    /// - Throws: ENOENT where there is no /proc; EMFILE …
    package init() throws(Errno) {
        file = try Files.open("/proc/thread-self/stat", flags: O_RDONLY)
    }

    /// The letter of its state: R when it runs or waits for a processor, S when it sleeps, D when it does so that no signal could wake it
    /// (for a lock, or a disk). Nil where /proc says nothing. Any thread.
    package var code: UInt8? {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { line in
            defer { withExtendedLifetime(self) {} }
            let count = try? Files.read(file.rawValue, into: line, at: 0)
            // "4711 (watcher) D 1 …"
            guard let count, let nameEnd = line[..<count].lastIndex(of: UInt8(ascii: ")")), nameEnd + 2 < count else {
                return nil
            }
            return line[nameEnd + 2]
        }
    }
}

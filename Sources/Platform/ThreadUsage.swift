import Glibc

/// What the threads of one name have used since the process started, those that have ended included.
package struct ThreadUsage: Sendable, Equatable {
    package let name: String
    /// The kernel's id of one that runs; 0 when none does.
    package var threadID: Int32
    package var voluntarySwitches: UInt64 = 0
    package var involuntarySwitches: UInt64 = 0
    /// Processor time, nanoseconds.
    package var processorNanoseconds: UInt64 = 0

    /// What all threads of this process have used, by their names; it never goes back. Any thread; it reads /proc/self/task, and
    /// a thread that cannot be read, for want of descriptors, has used what it was last seen to have.
    package static func all() -> [ThreadUsage] {
        sums.withLock { sums in
            if let threads = listThreads() {
                let present = Set(threads)
                sums.keepThreads { present.contains($0) }
                for thread in threads { if let usage = of(thread) { sums.note(usage) } }
            }
            return sums.byName
        }
    }

    /// The calling thread begins: the kernel may have given it the id of one that has ended.
    static func noteBegin() {
        let thread = NamedThread.currentID
        sums.withLock { $0.begin(thread) }
    }

    /// The calling thread ends, and was called `name`: what it has used is kept.
    static func noteEnd(name: String) {
        sums.withLock { sums in
            // Not before the lock is held: others may have seen more of this thread by then.
            sums.note(ofCurrentThread(name: name), isLast: true)
            // Where nobody asks for figures, nobody else forgets the threads that are gone. To look needs no descriptor.
            if sums.isFull { sums.keepThreads { access("/proc/self/task/\($0)", F_OK) == 0 } }
        }
    }

    private static let sums = Guarded(ThreadUsageSums())

    // MARK: - Threads of this process

    /// The kernel's ids of all threads of this process; empty when it has no descriptor left. Any thread.
    package static func threadIDs() -> [Int32] { listThreads() ?? [] }

    /// nil when they cannot be listed.
    private static func listThreads() -> [Int32]? {
        guard let folder = opendir("/proc/self/task") else { return nil }
        defer { closedir(folder) }
        var threads: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let thread = Int32(name) { threads.append(thread) }
        }
        return threads
    }

    /// The name of a thread of this process; nil when it is gone.
    package static func name(of thread: Int32) -> String? {
        guard let name = try? Processes.contents("/proc/self/task/\(thread)/comm") else { return nil }
        return String(decoding: name.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    // MARK: - One thread

    /// What one thread has used, from its `status` (proc(5)) and its clock; nil when it is gone or cannot be read.
    private static func of(_ thread: Int32) -> ThreadUsage? {
        guard let status = try? Processes.contents("/proc/self/task/\(thread)/status"),
            let time = processorTime(clock: clock(of: thread))
        else { return nil }
        var usage: ThreadUsage?
        for line in status.split(separator: UInt8(ascii: "\n")) {
            if let name = value("Name:", of: line) {
                usage = ThreadUsage(name: name, threadID: thread)
                usage?.processorNanoseconds = time
            } else if let count = value("voluntary_ctxt_switches:", of: line) {
                usage?.voluntarySwitches = UInt64(count) ?? 0
            } else if let count = value("nonvoluntary_ctxt_switches:", of: line) {
                usage?.involuntarySwitches = UInt64(count) ?? 0
            }
        }
        return usage
    }

    private static func value(_ field: String, of line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: field.utf8) else { return nil }
        return String(decoding: line.dropFirst(field.utf8.count).drop { $0 == UInt8(ascii: "\t") }, as: UTF8.self)
    }

    /// What the calling thread has used: the same figures, without a descriptor.
    private static func ofCurrentThread(name: String) -> ThreadUsage {
        // The kernel keeps so much of it.
        let kept = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        var usage = ThreadUsage(name: kept, threadID: NamedThread.currentID)
        var resources = rusage()
        // RUSAGE_THREAD of <sys/resource.h>, which Swift does not see.
        getrusage(1, &resources)
        usage.voluntarySwitches = UInt64(resources.ru_nvcsw)
        usage.involuntarySwitches = UInt64(resources.ru_nivcsw)
        usage.processorNanoseconds = processorTime(clock: CLOCK_THREAD_CPUTIME_ID) ?? 0
        return usage
    }

    /// The clock of a thread's processor time, as `pthread_getcpuclockid(3)` makes it of the kernel's id: without a `pthread_t`,
    /// and so also of a thread that may have ended.
    private static func clock(of thread: Int32) -> clockid_t { ~thread << 3 | 6 }

    private static func processorTime(clock: clockid_t) -> UInt64? {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

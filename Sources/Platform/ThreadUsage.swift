import Glibc

/// What the threads of one name have used since the process started, those that have ended included.
package struct ThreadUsage: Sendable {
    package let name: String
    /// The kernel's id of one that runs; 0 when none does.
    package var threadID: Int32
    package var voluntarySwitches: UInt64 = 0
    package var involuntarySwitches: UInt64 = 0
    /// Processor time, nanoseconds.
    package var processorNanoseconds: UInt64 = 0

    fileprivate mutating func add(_ other: ThreadUsage) {
        if other.threadID != 0 { threadID = other.threadID }
        voluntarySwitches &+= other.voluntarySwitches
        involuntarySwitches &+= other.involuntarySwitches
        processorNanoseconds &+= other.processorNanoseconds
    }

    /// What all threads of this process have used, by their names. Any thread; it reads /proc/self/task.
    package static func all() -> [ThreadUsage] {
        ended.withLock { ended in
            var usages = ended.usages
            var present: Set<Int32> = []
            for thread in threadIDs() {
                present.insert(thread)
                guard !ended.threads.contains(thread), let usage = of(thread) else { continue }
                usages[usage.name, default: ThreadUsage(name: usage.name, threadID: 0)].add(usage)
            }
            ended.threads.formIntersection(present)
            return usages.values.sorted { $0.name < $1.name }
        }
    }

    /// The calling thread begins: the kernel may have given it the id of one that has ended.
    static func noteBegin() {
        let thread = NamedThread.currentID
        ended.withLock { _ = $0.threads.remove(thread) }
    }

    /// The calling thread ends: what it has used is kept.
    static func noteEnd() {
        let thread = NamedThread.currentID
        ended.withLock { ended in
            guard var usage = of(thread) else { return }
            usage.threadID = 0
            ended.usages[usage.name, default: ThreadUsage(name: usage.name, threadID: 0)].add(usage)
            ended.threads.insert(thread)
            // Where nobody asks for figures, nobody else forgets them.
            if ended.threads.count > endedMax { ended.threads.formIntersection(threadIDs()) }
        }
    }

    private static let endedMax = 256

    private struct Ended {
        var usages: [String: ThreadUsage] = [:]
        /// Counted in `usages`, and still to be seen in /proc perhaps.
        var threads: Set<Int32> = []
    }

    private static let ended = Guarded(Ended())

    /// The kernel's ids of all threads of this process. Any thread.
    package static func threadIDs() -> [Int32] {
        guard let folder = opendir("/proc/self/task") else { return [] }
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

    /// What one thread has used, from its `status` and `schedstat` (proc(5)); nil when it is gone.
    private static func of(_ thread: Int32) -> ThreadUsage? {
        guard let status = try? Processes.contents("/proc/self/task/\(thread)/status") else { return nil }
        var usage: ThreadUsage?
        for line in status.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
            guard fields.count == 2 else { continue }
            let value = String(decoding: fields[1].drop { $0 == UInt8(ascii: "\t") }, as: UTF8.self)
            switch String(decoding: fields[0], as: UTF8.self) {
            case "Name": usage = ThreadUsage(name: value, threadID: thread)
            case "voluntary_ctxt_switches": usage?.voluntarySwitches = UInt64(value) ?? 0
            case "nonvoluntary_ctxt_switches": usage?.involuntarySwitches = UInt64(value) ?? 0
            default: break
            }
        }
        // Its first field is the time on a processor.
        if let text = try? Processes.contents("/proc/self/task/\(thread)/schedstat"),
            let first = text.split(separator: UInt8(ascii: " ")).first
        {
            usage?.processorNanoseconds = UInt64(String(decoding: first, as: UTF8.self)) ?? 0
        }
        return usage
    }
}

package import Glibc
package import Platform

/// What /proc tells of a process.
package enum ProcessFacts {
    /// The names of its threads, sorted.
    package static func threadNames(_ identifier: pid_t) -> [String] { threads(identifier).map(\.name).sorted() }

    /// Its threads.
    package static func threads(_ identifier: pid_t) -> [(identifier: pid_t, name: String)] {
        PrivateFolder.names(in: "/proc/\(identifier)/task").compactMap { thread in
            pid_t(thread).map { ($0, line("/proc/\(identifier)/task/\(thread)/comm")) }
        }
    }

    /// How often each of its threads was taken off its processor: by itself, and not (`proc(5)`, status).
    package static func contextSwitches(_ identifier: pid_t) -> [Int: Int] {
        var switches: [Int: Int] = [:]
        for thread in PrivateFolder.names(in: "/proc/\(identifier)/task") {
            let file = "task/\(thread)/status"
            let kinds = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].compactMap {
                value($0, of: identifier, file: file).flatMap { Int($0) }
            }
            if let thread = Int(thread), kinds.count == 2 { switches[thread] = kinds[0] + kinds[1] }
        }
        return switches
    }

    /// What each of its threads does: R, S, D, T … (`proc_pid_stat(5)`).
    package static func threadStates(_ identifier: pid_t) -> [Character] {
        PrivateFolder.names(in: "/proc/\(identifier)/task").compactMap { thread in
            // The name, in parentheses, may hold anything.
            text("/proc/\(identifier)/task/\(thread)/stat").split(separator: ")").last?.first { $0 != " " }
        }
    }

    /// How many descriptors it has open.
    package static func descriptorCount(_ identifier: pid_t) -> Int {
        PrivateFolder.names(in: "/proc/\(identifier)/fd").count
    }

    /// The open flags of one of its descriptors, O_CLOEXEC among them; nil when it is not open.
    package static func descriptorFlags(_ identifier: pid_t, _ number: Int) -> CInt? {
        for line in text("/proc/\(identifier)/fdinfo/\(number)").split(separator: "\n") where line.hasPrefix("flags:") {
            return line.split(separator: "\t").last.flatMap { CInt($0, radix: 8) }
        }
        return nil
    }

    /// A figure of /proc/PID/status in KiB: `VmSize`, `VmRSS` …; 0 when there is none.
    package static func memory(_ identifier: pid_t, _ name: String) -> Int { kibibytes("status", identifier, name) }

    /// A figure of /proc/PID/smaps_rollup in KiB: `Rss`, `Private_Dirty` …; 0 when there is none.
    package static func mappings(_ identifier: pid_t, _ name: String) -> Int {
        kibibytes("smaps_rollup", identifier, name)
    }

    private static func kibibytes(_ file: String, _ identifier: pid_t, _ name: String) -> Int {
        for line in text("/proc/\(identifier)/\(file)").split(separator: "\n") where line.hasPrefix("\(name):") {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    /// Processor time it has used, in seconds.
    package static func processorSeconds(_ identifier: pid_t) -> Double {
        // The name, in parentheses, may hold spaces: fields are counted after it.
        let fields = text("/proc/\(identifier)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// One figure of smaps_rollup in bytes: `Rss`, `Anonymous` …; 0 when there is none.
    package static func memoryBytes(_ identifier: pid_t, _ name: String) -> Int {
        for line in text("/proc/\(identifier)/smaps_rollup").split(separator: "\n") where line.hasPrefix("\(name):") {
            let fields = line.split(separator: " ")
            if fields.count == 3, let kilobytes = Int(fields[1]) { return kilobytes * 1024 }
        }
        return 0
    }

    /// The mounts that a process sees.
    package static func mounts(_ identifier: pid_t) -> [MountEntry] {
        MountTable.parse(Array(text("/proc/\(identifier)/mountinfo").utf8))
    }

    /// Whose it is.
    package static func userID(_ identifier: pid_t) -> uid_t? {
        (try? Files.status(AT_FDCWD, "/proc/\(identifier)"))?.st_uid
    }

    /// One of a process's descriptors.
    package struct Descriptor: Sendable {
        package let number: Int
        package let target: String
        /// The mount that it is in.
        package let mountID: UInt64
    }

    /// Its descriptors, as far as they stay open while they are looked at.
    package static func descriptors(_ identifier: pid_t) -> [Descriptor] {
        PrivateFolder.names(in: "/proc/\(identifier)/fd").compactMap { name in
            guard let number = Int(name), let target = linkTarget("/proc/\(identifier)/fd/\(name)"),
                let mountID = value("mnt_id", of: identifier, file: "fdinfo/\(name)").flatMap({ UInt64($0) })
            else { return nil }
            return Descriptor(number: number, target: target, mountID: mountID)
        }
    }

    /// What its descriptors are open on.
    package static func descriptorTargets(_ identifier: pid_t) -> [String] {
        PrivateFolder.names(in: "/proc/\(identifier)/fd").compactMap { name in
            linkTarget("/proc/\(identifier)/fd/\(name)")
        }
    }

    /// The files mapped into its memory.
    package static func mappedFiles(_ identifier: pid_t) -> [String] {
        text("/proc/\(identifier)/maps").split(separator: "\n").compactMap { line in
            line.split(separator: " ", maxSplits: 5).dropFirst(5).first.map { String($0.drop { $0 == " " }) }
        }
    }

    /// What its epoll descriptors wait for.
    package static func polledFiles(_ identifier: pid_t) -> [String] {
        PrivateFolder.names(in: "/proc/\(identifier)/fd").filter { name in
            linkTarget("/proc/\(identifier)/fd/\(name)") == "anon_inode:[eventpoll]"
        }.flatMap { name in
            text("/proc/\(identifier)/fdinfo/\(name)").split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.first == "tfd:", fields.count > 1 else { return nil }
                return linkTarget("/proc/\(identifier)/fd/\(fields[1])")
            }
        }
    }

    private static func linkTarget(_ path: String) -> String? {
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &target, target.count)
        return count < 0 ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The text behind `name` in its status, or in another such file; nil when it has gone.
    package static func value(_ name: String, of identifier: pid_t, file: String = "status") -> String? {
        for line in text("/proc/\(identifier)/\(file)").split(separator: "\n") where line.hasPrefix("\(name):") {
            return line.dropFirst(name.count + 1).split(whereSeparator: \.isWhitespace).first.map(String.init)
        }
        return nil
    }

    /// Whether it has ended; whoever should take note of that may not have done so yet.
    package static func hasEnded(_ identifier: pid_t) -> Bool {
        let state = value("State", of: identifier)
        return state == nil || state == "Z" || state == "X"
    }

    package static func exists(_ identifier: pid_t) -> Bool { access("/proc/\(identifier)", F_OK) == 0 }

    /// The mount options of this process's line for `mountPoint` in mountinfo.
    package static func mountOptions(_ mountPoint: String) -> Set<Substring> {
        for entry in text("/proc/self/mountinfo").split(separator: "\n") {
            let fields = entry.split(separator: " ")
            if fields.count > 5, fields[4] == mountPoint { return Set(fields[5].split(separator: ",")) }
        }
        return []
    }

    private static func line(_ path: String) -> String {
        text(path).split(separator: "\n").first.map(String.init) ?? ""
    }

    /// The name of a process, or of one of its threads.
    package static func name(_ identifier: pid_t, thread: String? = nil) -> String {
        line(thread.map { "/proc/\(identifier)/task/\($0)/comm" } ?? "/proc/\(identifier)/comm")
    }

    /// A file of /proc, whose size says nothing.
    package static func text(_ path: String) -> String {
        guard let file = try? Files.open(path, flags: O_RDONLY) else { return "" }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(file.rawValue, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}

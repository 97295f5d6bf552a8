import FoundationEssentials
import Glibc

/// Context switches, voluntary and not, of the two kinds of threads a request of serverfs can pass.
struct ContextSwitches: Equatable {
    /// Of the event loops, http-0 and so on.
    var http = 0
    /// Of the FUSE threads, fuse-0 and so on.
    var fuse = 0

    var all: Int { http + fuse }

    static func - (after: Self, before: Self) -> Self {
        Self(http: after.http - before.http, fuse: after.fuse - before.fuse)
    }

    static func + (a: Self, b: Self) -> Self {
        Self(http: a.http + b.http, fuse: a.fuse + b.fuse)
    }
}

extension ContextSwitches {
    /// What the threads of a process have had since they were started.
    init(ofProcess pid: pid_t) {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        for thread in threads {
            add(status: text(ofFile: "/proc/\(pid)/task/\(thread)/status"))
        }
    }

    /// Adds one thread's /proc status, by the name that stands in it.
    mutating func add(status: String) {
        var name: Substring = ""
        var switches = 0
        for line in status.split(separator: "\n") {
            let parts = line.split(maxSplits: 1) { $0 == ":" }
            guard parts.count == 2 else { continue }
            let value = parts[1].drop { $0 == "\t" || $0 == " " }
            switch parts[0] {
            case "Name": name = value
            case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches": switches += Int(value) ?? 0
            default: break
            }
        }
        if name.hasPrefix("http-") { http += switches }
        if name.hasPrefix("fuse-") { fuse += switches }
    }
}

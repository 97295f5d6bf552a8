import FoundationEssentials
import Glibc

/// What /proc tells of a process from outside. A process that has gone has 0 of everything.
enum ProcessFacts {
    /// VmRSS: all that is in memory, programs and mapped files among it.
    static func residentBytes(_ pid: pid_t) -> Int {
        kilobytes("VmRSS", in: text(ofFile: "/proc/\(pid)/status")) * 1024
    }

    /// Private_Dirty: what the process has written and nobody shares, its heap and stacks.
    static func privateDirtyBytes(_ pid: pid_t) -> Int {
        kilobytes("Private_Dirty", in: text(ofFile: "/proc/\(pid)/smaps_rollup")) * 1024
    }

    static func descriptorCount(_ pid: pid_t) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }

    /// The processor time of the FUSE threads since they were started.
    static func fuseThreadNanoseconds(_ pid: pid_t) -> Int {
        processorNanoseconds(pid) { text(ofFile: "\($0)/comm").hasPrefix("fuse-") }
    }

    /// The processor time of some threads since they were started.
    ///
    /// - Parameter isWanted: is given a thread's folder in /proc.
    static func processorNanoseconds(_ pid: pid_t, of isWanted: (_ folder: String) -> Bool) -> Int {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.reduce(0) { sum, thread in
            let folder = "/proc/\(pid)/task/\(thread)"
            guard isWanted(folder) else { return sum }
            return sum + (firstNumber(text(ofFile: "\(folder)/schedstat")) ?? 0)
        }
    }

    /// "Name:   123 kB" in a text of such lines, 0 when there is none.
    static func kilobytes(_ name: String, in text: String) -> Int {
        for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
            return firstNumber(line.dropFirst(name.count + 1)) ?? 0
        }
        return 0
    }

    private static func firstNumber(_ text: some StringProtocol) -> Int? {
        let number = text.drop { $0 == " " || $0 == "\t" }.prefix { $0.isNumber }
        return Int(number)
    }
}

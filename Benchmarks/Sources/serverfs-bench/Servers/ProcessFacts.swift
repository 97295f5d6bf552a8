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
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.reduce(0) { sum, thread in
            let folder = "/proc/\(pid)/task/\(thread)"
            guard text(ofFile: "\(folder)/comm").hasPrefix("fuse-") else { return sum }
            return sum + (firstNumber(text(ofFile: "\(folder)/schedstat")) ?? 0)
        }
    }

    /// The processor time of all its threads, also those that have ended (`clock_getcpuclockid(3)`).
    static func processorNanoseconds(_ pid: pid_t) -> Int {
        var clock: clockid_t = 0
        guard unsafe clock_getcpuclockid(pid, &clock) == 0 else { return 0 }
        return nanoseconds(clock)
    }

    /// What a clock says (`clock_gettime(2)`); 0 when there is none such.
    static func nanoseconds(_ clock: clockid_t) -> Int {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
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

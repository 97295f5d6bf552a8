import Glibc
import Platform

/// What the kernel tells of this process's threads while a trace is taken: their context switches, and when they send a FUSE
/// request or end one. The recording thread's own.
final class KernelEvents {
    /// Why there is nothing of a source; nil when there is.
    private(set) var missingSwitches: String?
    private(set) var missingTracepoints: String?
    /// Records that found no room in the memory shared with the kernel, or here.
    private(set) var lostRecords: UInt64 = 0
    private(set) var droppedRecords: UInt64 = 0

    /// By the kernel's id of the thread.
    private(set) var switches: [Int32: ThreadSwitches] = [:]
    private(set) var fuse: [FuseEvent] = []
    /// The threads' names.
    private(set) var names: [Int32: String] = [:]

    /// Those that are recorded at present.
    private var threads: [Int32: ThreadEvents] = [:]
    private var kept = 0
    private let tracepoints: FuseTracepoints?
    /// Threads whose tracepoints are recorded.
    private var withTracepoints: Set<Int32> = []
    /// Threads that cannot be recorded, so as not to be asked again.
    private var refused: Set<Int32> = []
    /// Threads that there is no room for at present.
    private var crowdedOut: Set<Int32> = []
    /// Of either, those that have ended.
    private var endedUnrecorded = 0

    /// Records of switches in one trace: 32 MiB.
    static let switchesMax = 1 << 22
    /// Records of tracepoints in one trace: 24 MiB.
    static let fuseMax = 1 << 20
    /// Threads that are recorded at a time; each takes three descriptors and half a MiB.
    static let threadsMax = 160
    /// Threads of one trace: of those that have ended, their switches and names are kept.
    static let threadsEverMax = 1024

    /// Descriptors have numbers below that: the rest is left to those who serve.
    private let descriptorsMax: UInt64

    init(descriptorsMax: UInt64 = DescriptorLimit.present / 4 * 3) {
        self.descriptorsMax = descriptorsMax
        do throws(Errno) {
            tracepoints = try FuseTracepoints()
        } catch {
            tracepoints = nil
            missingTracepoints = Self.reason(error, of: "tracefs")
        }
    }

    /// Whether there is no more room for one of the two.
    var isFull: Bool { kept >= Self.switchesMax || fuse.count >= Self.fuseMax }

    /// Records all threads of the process that are not recorded yet, and lets go of those that have ended.
    ///
    /// - Parameter fuseThreads: those that send FUSE requests, or end them.
    func addThreads(fuseThreads: Set<Int32>) {
        guard missingSwitches == nil else { return }
        let present = Set(ThreadUsage.threadIDs())
        // This thread at least, or they cannot be listed.
        guard !present.isEmpty else { return }
        for (thread, events) in threads where events.hasEnded { letGo(thread, events) }
        endedUnrecorded += refused.union(crowdedOut).subtracting(present).count
        refused.formIntersection(present)
        crowdedOut.removeAll()
        for thread in present where threads[thread] == nil && !refused.contains(thread) {
            let isKnown = switches[thread] != nil
            if threads.count < Self.threadsMax, isKnown || switches.count < Self.threadsEverMax {
                add(thread)
            } else {
                crowdedOut.insert(thread)
            }
        }
        for thread in fuseThreads where !withTracepoints.contains(thread) { addTracepoints(thread) }
    }

    /// A thread has ended: what it has left is taken over, its descriptors and its memory go.
    private func letGo(_ thread: Int32, _ events: ThreadEvents) {
        drain(thread, events)
        threads[thread] = nil
        withTracepoints.remove(thread)
    }

    private func add(_ thread: Int32) {
        let events: ThreadEvents
        do throws(Errno) {
            events = try ThreadEvents(threadID: thread)
            // Three for a thread. The lowest number that is free tells how many are in use.
            if UInt64(events.descriptor) + 2 >= descriptorsMax { throw .tooManyOpenFiles }
        } catch {
            if error != .noSuchProcess { refused.insert(thread) }
            // The thread may just have ended, or descriptors may have run out: the others go on.
            if threads.isEmpty, error != .noSuchProcess {
                missingSwitches = Self.reason(error, of: "perf_event_open")
                missingTracepoints = missingTracepoints ?? missingSwitches
            }
            return
        }
        threads[thread] = events
        if switches[thread] == nil { switches[thread] = ThreadSwitches() }
        names[thread] = ThreadUsage.name(of: thread)
    }

    private func addTracepoints(_ thread: Int32) {
        guard let events = threads[thread], let tracepoints, missingTracepoints == nil else { return }
        withTracepoints.insert(thread)
        do throws(Errno) {
            try events.add(tracepoint: tracepoints.send.number)
            try events.add(tracepoint: tracepoints.end.number)
        } catch {
            if error != .noSuchProcess { missingTracepoints = Self.reason(error, of: "perf_event_open") }
        }
    }

    /// Takes over what was recorded since the last time.
    func drain() { for (thread, events) in threads { drain(thread, events) } }

    private func drain(_ thread: Int32, _ events: ThreadEvents) {
        var own = switches.removeValue(forKey: thread) ?? ThreadSwitches()
        events.drain { record in
            switch record {
            case .switchedOut(let nanoseconds, let isPreempted):
                let isKept = kept < Self.switchesMax
                own.add(out: nanoseconds, isPreempted: isPreempted, isKept: isKept)
                if isKept { kept += 1 } else { droppedRecords += 1 }
            case .switchedIn(let nanoseconds):
                let isKept = kept < Self.switchesMax
                own.add(in: nanoseconds, isKept: isKept)
                if isKept { kept += 1 } else { droppedRecords += 1 }
            case .tracepoint(let nanoseconds, let record):
                guard let event = tracepoints?.event(record, nanoseconds: nanoseconds, thread: thread) else { break }
                if fuse.count < Self.fuseMax { fuse.append(event) } else { droppedRecords += 1 }
            case .lost(let count): lostRecords += count
            }
        }
        switches[thread] = own
    }

    /// Ends the recording.
    func end() {
        drain()
        // A thread may have got its name later.
        for thread in threads.keys { if let name = ThreadUsage.name(of: thread) { names[thread] = name } }
        threads = [:]
        if missingTracepoints == nil, fuse.contains(where: { !$0.isEnd }),
            !fuse.contains(where: { !$0.isEnd && $0.unique != 0 })
        {
            missingTracepoints = "fuse_request_send does not tell the request's number here (Linux 6.14 does)"
        }
    }

    /// Threads that were not recorded, though others were: the kernel refused, or there were too many.
    var unrecordedThreads: Int { endedUnrecorded + refused.count + crowdedOut.count }
    /// Threads that are recorded at present.
    var recordedThreads: Set<Int32> { Set(threads.keys) }

    private static func reason(_ error: Errno, of call: String) -> String {
        switch error {
        case .permissionDenied, .notPermitted:
            "\(call): \(error) (root, or CAP_PERFMON and a low kernel.perf_event_paranoid, may)"
        default: "\(call): \(error)"
        }
    }
}

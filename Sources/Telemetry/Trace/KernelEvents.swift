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

    private var threads: [Int32: ThreadEvents] = [:]
    private var kept = 0
    private let tracepoints: FuseTracepoints?
    /// Threads whose tracepoints are recorded.
    private var withTracepoints: Set<Int32> = []
    /// Threads that cannot be recorded, so as not to be asked again.
    private var refused: Set<Int32> = []

    /// Records of switches in one trace: 32 MiB.
    static let switchesMax = 1 << 22
    /// Records of tracepoints in one trace: 24 MiB.
    static let fuseMax = 1 << 20
    /// Threads that are recorded; each takes three descriptors and half a MiB.
    static let threadsMax = 160

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

    /// Records all threads of the process that are not recorded yet.
    ///
    /// - Parameter fuseThreads: those that send FUSE requests, or end them.
    func addThreads(fuseThreads: Set<Int32>) {
        guard missingSwitches == nil else { return }
        for thread in ThreadUsage.threadIDs() where threads[thread] == nil && !refused.contains(thread) {
            guard threads.count < Self.threadsMax else { break }
            add(thread)
        }
        for thread in fuseThreads where !withTracepoints.contains(thread) { addTracepoints(thread) }
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
        switches[thread] = ThreadSwitches()
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
    func drain() {
        for (thread, events) in threads {
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
                    guard let event = tracepoints?.event(record, nanoseconds: nanoseconds, thread: thread) else {
                        break
                    }
                    if fuse.count < Self.fuseMax { fuse.append(event) } else { droppedRecords += 1 }
                case .lost(let count): lostRecords += count
                }
            }
            switches[thread] = own
        }
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

    /// Threads that could not be recorded, though others could.
    var refusedThreads: Int { refused.count }

    private static func reason(_ error: Errno, of call: String) -> String {
        switch error {
        case .permissionDenied, .notPermitted:
            "\(call): \(error) (root, or CAP_PERFMON and a low kernel.perf_event_paranoid, may)"
        default: "\(call): \(error)"
        }
    }
}

/// The context switches of one thread.
struct ThreadSwitches {
    /// In the order of time: CLOCK_MONOTONIC, shifted to the left by two bits for what happened.
    private var records: [UInt64] = []
    /// All there were, those that found no room here as well.
    private(set) var voluntary: UInt64 = 0
    private(set) var involuntary: UInt64 = 0

    private enum Bits {
        static let out: UInt64 = 1
        static let preempted: UInt64 = 2
    }

    mutating func add(out nanoseconds: UInt64, isPreempted: Bool, isKept: Bool) {
        if isPreempted { involuntary += 1 } else { voluntary += 1 }
        if isKept { records.append(nanoseconds << 2 | Bits.out | (isPreempted ? Bits.preempted : 0)) }
    }

    mutating func add(in nanoseconds: UInt64, isKept: Bool) {
        if isKept { records.append(nanoseconds << 2) }
    }

    /// When it was off its processor, one after the other. What began before the recording, or ended after it, is not among them.
    var pauses: [Pause] {
        var pauses: [Pause] = []
        pauses.reserveCapacity(records.count / 2)
        var out: UInt64?
        for record in records {
            if record & Bits.out != 0 {
                out = record
            } else if let began = out {
                pauses.append(
                    Pause(
                        startNanoseconds: began >> 2, endNanoseconds: record >> 2,
                        isPreempted: began & Bits.preempted != 0))
                out = nil
            }
        }
        return pauses
    }
}

/// A time that a thread was off its processor.
struct Pause: BitwiseCopyable {
    let startNanoseconds: UInt64
    let endNanoseconds: UInt64
    /// Whether it could have gone on.
    let isPreempted: Bool
}

/// A FUSE request was sent to the daemon, or its answer has come.
struct FuseEvent: BitwiseCopyable {
    let nanoseconds: UInt64
    let unique: UInt64
    /// Who has sent it, or answered it.
    let thread: Int32
    let isEnd: Bool
}

/// The tracepoints `fuse:fuse_request_send` and `fuse:fuse_request_end`.
struct FuseTracepoints {
    let send: Tracepoint
    let end: Tracepoint
    private let sendUnique: Int
    private let endUnique: Int

    /// - Throws: what `Tracepoint` throws; EINVAL when the records have no field `unique`.
    init() throws(Errno) {
        send = try Tracepoint("fuse/fuse_request_send")
        end = try Tracepoint("fuse/fuse_request_end")
        guard let inSend = send.offset(of: "unique", byteCount: 8), let inEnd = end.offset(of: "unique", byteCount: 8)
        else { throw .invalidArgument }
        sendUnique = inSend
        endUnique = inEnd
    }

    func event(_ record: UnsafeRawBufferPointer, nanoseconds: UInt64, thread: Int32) -> FuseEvent? {
        guard record.count >= 2 else { return nil }
        let isEnd: Bool
        switch UInt64(record.loadUnaligned(fromByteOffset: 0, as: UInt16.self)) {
        case send.number: isEnd = false
        case end.number: isEnd = true
        default: return nil
        }
        let offset = isEnd ? endUnique : sendUnique
        guard offset + 8 <= record.count else { return nil }
        return FuseEvent(
            nanoseconds: nanoseconds, unique: record.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            thread: thread, isEnd: isEnd)
    }
}

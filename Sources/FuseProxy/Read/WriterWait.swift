import Glibc
import Platform
import Synchronization

/// Waits until a `write(2)` on a docroot's file that is under way is over.
///
/// There is no call for that, but one that has to wait for it, because it takes the inode's lock: where the file has its next data
/// (`lseek(2)`, SEEK_DATA: ext4, tmpfs). A FUSE thread must not make it: the writer may be waiting for pages of the mount, or for a
/// slow disk. So others do, named `settler`, which are started when they are first needed and may be stuck as long as they like: a
/// file keeps one of them at most. Who has asked them waits for a bounded time.
package final class WriterWait: Sendable {
    /// Of the process: mounts that follow one another share it.
    static let shared = WriterWait()

    /// How long a READ waits for a writer at most. Others for the same file are turned away then, until he is done.
    static let patienceNanoseconds: UInt64 = 10_000_000
    /// The same where it is not a writer that is waited for, but a processor.
    static let processorPatienceNanoseconds: UInt64 = 200_000_000
    /// Files whose writers take long, at a time: with more, all are turned away.
    private let settlersMax: Int
    private let state = Guarded(State())
    private let threads = Guarded<[NamedThread]>([])

    private struct Job: Sendable {
        let file: SharedDescriptor
        let identity: FileIdentity
        let offset: Int64
        let done: DoneFlag
    }

    /// Whether a job is done, and the descriptor that tells.
    private final class DoneFlag: Sendable {
        let isSet = Atomic(false)
        let wakeUp: WakeUp

        init() throws(Errno) { wakeUp = try WakeUp() }
    }

    private final class Settler: Sendable {
        let wakeUp: WakeUp
        /// The thread's; nil until it runs, or where /proc says nothing.
        let thread = Guarded<ThreadState?>(nil)

        init() throws(Errno) { wakeUp = try WakeUp() }
    }

    /// A settler and what it does.
    private struct Work {
        let settler: Settler
        /// Nil when there is nothing to do.
        var file: FileIdentity?
        /// CLOCK_MONOTONIC, when that was begun.
        var since: UInt64 = 0

        /// Whether it waits for a writer, or for a file system that does not answer, rather than for a processor. On tmpfs, who waits
        /// for a writer that has a processor spins on his own: then it seems to need one.
        var waitsForWriter: Bool {
            guard file != nil else { return false }
            return settler.thread.withLock { $0 }?.code != UInt8(ascii: "R")
        }
    }

    private struct State {
        var jobs: [Job] = []
        var works: [Work] = []

        /// The first whose file no settler is at.
        var nextJob: Int? { jobs.firstIndex { job in !works.contains { $0.file == job.identity } } }
    }

    /// - Parameter descriptors: as many as the process may have.
    init(descriptors: UInt64 = DescriptorLimit.present) {
        settlersMax = Self.settlersMax(descriptors: Int(clamping: descriptors))
    }

    private static func settlersMax(descriptors: Int) -> Int { min(max(descriptors / 64, 1), 8) }

    /// What the settlers take of `total` descriptors at most: their own two, and the two of what they are stuck with.
    package static func descriptorsMax(of total: Int) -> Int { 4 * settlersMax(descriptors: total) }

    /// - Parameters:
    ///   - file: a file of the docroot.
    ///   - identity: its own.
    ///   - offset: from where on it is read. Bytes.
    ///   - deadline: CLOCK_MONOTONIC, nanoseconds. Where no processor was free until then, there is more time.
    /// - Returns: whether nobody is writing any more who was; false when that takes too long, or there are no descriptors or threads.
    func wait(_ file: CInt, _ identity: FileIdentity, at offset: Int64, until deadline: UInt64) -> Bool {
        let now = Clock.monotonicNanoseconds
        guard now < deadline, isWorthAsking(identity, at: now), let own = try? Files.duplicate(file),
            let done = try? DoneFlag()
        else { return false }
        guard start(Job(file: SharedDescriptor(own), identity: identity, offset: offset, done: done)) else {
            return false
        }
        var wait = pollfd(fd: done.wakeUp.rawValue, events: Int16(POLLIN), revents: 0)
        while !done.isSet.load(ordering: .acquiring) {
            let now = Clock.monotonicNanoseconds
            guard now < deadline || mayWaitLonger(for: identity, since: deadline, at: now) else {
                // If it is at hand, it goes on.
                withdraw(done)
                return false
            }
            // A signal, or the end of a millisecond, comes before the deadline: then once more.
            _ = poll(&wait, 1, CInt((max(deadline, now) - now) / 1_000_000 + 1))
        }
        return true
    }

    /// Takes a job back that no settler has taken. Its descriptor is closed after the lock is let go: that may have to wait.
    private func withdraw(_ done: DoneFlag) {
        _ = state.withLock { state in
            state.jobs.firstIndex { $0.done === done }.map { state.jobs.remove(at: $0) }
        }
    }

    /// Whether no writer of this file, and not one of each of many others, is already known to take long.
    private func isWorthAsking(_ file: FileIdentity, at now: UInt64) -> Bool {
        let stuck = state.withLock { state in
            state.works.filter { $0.file != nil && now >= $0.since + Self.patienceNanoseconds }
        }
        if stuck.isEmpty { return true }
        let waiting = stuck.filter(\.waitsForWriter)
        return waiting.count < settlersMax && !waiting.contains { $0.file == file }
    }

    private func mayWaitLonger(for file: FileIdentity, since deadline: UInt64, at now: UInt64) -> Bool {
        guard now < deadline + Self.processorPatienceNanoseconds - Self.patienceNanoseconds else { return false }
        let works = state.withLock { $0.works }
        // Else it waits for one of them.
        let waitedFor = works.contains { $0.file == file } ? works.filter { $0.file == file } : works
        return !waitedFor.allSatisfy(\.waitsForWriter)
    }

    private func start(_ job: Job) -> Bool {
        state.withLock { $0.jobs.append(job) }
        // Else the first that has done what it does takes it.
        if engageSettler() || state.withLock({ !$0.works.isEmpty }) { return true }
        withdraw(job.done)
        return false
    }

    /// Wakes a settler that has nothing to do, or starts one.
    private func engageSettler() -> Bool {
        let (idle, mayBeMore) = state.withLock { state in
            (state.works.first { $0.file == nil }?.settler, state.works.count < settlersMax)
        }
        guard let idle else { return mayBeMore && addSettler() }
        idle.wakeUp.signal()
        return true
    }

    private func addSettler() -> Bool {
        threads.withLock { threads in
            guard threads.count < settlersMax, let settler = try? Settler(),
                let thread = try? NamedThread("settler", body: { [self] in run(settler) })
            else { return false }
            threads.append(thread)
            state.withLock { $0.works.append(Work(settler: settler)) }
            settler.wakeUp.signal()
            return true
        }
    }

    private func run(_ settler: Settler) {
        let own = try? ThreadState()
        settler.thread.withLock { $0 = own }
        var wait = pollfd(fd: settler.wakeUp.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            while poll(&wait, 1, -1) < 1 {}
            settler.wakeUp.clear()
            while let (job, isLast) = takeJob(settler) {
                // It may be long in coming back.
                if !isLast { _ = engageSettler() }
                // There may be no data.
                _ = try? job.file.withRawValue { (file) throws(Errno) in
                    try Files.find(.data, in: file, from: job.offset)
                }
                job.done.isSet.store(true, ordering: .releasing)
                job.done.wakeUp.signal()
            }
        }
    }

    /// The next job whose file no other settler is at, and whether it is the last of these; what `settler` did is done.
    private func takeJob(_ settler: Settler) -> (Job, isLast: Bool)? {
        state.withLock { state in
            guard let own = state.works.firstIndex(where: { $0.settler === settler }) else { return nil }
            state.works[own].file = nil
            guard let next = state.nextJob else { return nil }
            let job = state.jobs.remove(at: next)
            state.works[own].file = job.identity
            state.works[own].since = Clock.monotonicNanoseconds
            return (job, isLast: state.nextJob == nil)
        }
    }
}

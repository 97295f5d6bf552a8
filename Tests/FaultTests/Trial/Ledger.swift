import Glibc
import Platform
import Synchronization
import TestSupport

/// What a trial has made that must not outlive it: processes, mounts, folders of servers. Any thread.
final class Ledger: Sendable {
    private struct Entries {
        var processes: Set<TrackedProcess> = []
        var folders: [String] = []
        var devices: Set<UInt64> = []
    }

    private let entries = Mutex(Entries())

    /// Notes a process and all it has started by now.
    @discardableResult
    func track(_ identifier: pid_t) -> Set<TrackedProcess> {
        let family = TrackedProcess.family(of: identifier)
        entries.withLock { $0.processes.formUnion(family) }
        return family
    }

    /// Notes a folder that mounts are made in, and those that are there by now.
    func watch(_ folder: String) {
        let devices = PrivateFolder.mounts(below: folder).filter(\.isFuse).map(\.device)
        entries.withLock {
            if !$0.folders.contains(folder) { $0.folders.append(folder) }
            $0.devices.formUnion(devices)
        }
    }

    /// Those of the processes that still are.
    var living: [TrackedProcess] { entries.withLock { $0.processes }.filter(\.exists) }

    /// The mounts that are left in the folders.
    var mounts: [MountEntry] { entries.withLock { $0.folders }.flatMap { PrivateFolder.mounts(below: $0) } }

    /// The threads that stay in state D for 300 ms.
    func stuckThreads() -> Set<String> {
        var stuck: Set<String>?
        for _ in 0..<4 {
            let now = living.reduce(into: Set<String>()) { $0.formUnion($1.stuckThreads) }
            stuck = stuck?.intersection(now) ?? now
            if stuck?.isEmpty == true { return [] }
            usleep(100_000)
        }
        return stuck ?? []
    }

    /// Frees whatever waits for anything of this trial, and ends it: connections are cut, mounts taken away, processes killed.
    func rescue() {
        for process in living { process.signal(SIGCONT) }
        let entries = entries.withLock { $0 }
        let all = (try? MountTable.read()) ?? []
        for device in entries.devices.union(mounts.filter(\.isFuse).map(\.device)) {
            // A number may have been given to somebody else's mount meanwhile.
            let owners = all.filter { $0.device == device }
            let isOurs = owners.allSatisfy { owner in entries.folders.contains { owner.mountPoint.hasPrefix($0) } }
            if isOurs { _ = FuseConnection.abort(device: device) }
        }
        for mount in mounts.reversed() { umount2(mount.mountPoint, CInt(MNT_DETACH)) }
        for process in living { process.signal(SIGKILL) }
    }
}

/// Rescues a trial that has not ended within its time, so that whatever it waits for comes to an end.
final class HardLimit: Sendable {
    private let isCancelled = SharedFlag()
    private let isReached = SharedFlag()
    private let thread: NamedThread

    init(seconds: Double, _ ledger: Ledger) throws {
        let (isCancelled, isReached) = (isCancelled, isReached)
        thread = try NamedThread("hard-limit") {
            let deadline = Deadline(seconds: seconds)
            while !isCancelled.isSet {
                if deadline.hasPassed {
                    isReached.set()
                    ledger.rescue()
                }
                usleep(20_000)
            }
        }
    }

    /// - Returns: whether the limit was reached.
    func cancel() -> Bool {
        isCancelled.set()
        thread.join()
        return isReached.isSet
    }
}

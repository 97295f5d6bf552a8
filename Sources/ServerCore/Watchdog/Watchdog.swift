import Glibc
package import Platform
import Synchronization

/// The server's end of its watchdog: a process of its own that aborts the mount's connection when the server dies without
/// unmounting, or stands still while requests wait; and then cleans up. Any thread, but for `start` and `end`.
package final class Watchdog: Sendable {
    /// The watchdog's process id.
    package let identifier: CInt
    /// After how long a mount that stands still is aborted; nil for never.
    package let stallSeconds: Int?
    /// Readable when the process has ended, which it should not before `end`.
    private let process: OwnedDescriptor
    let memory: WatchdogMemory
    /// The pipe's end to write to: nil once it is closed. The lock keeps messages whole; a write never waits.
    private let messages: Guarded<SharedDescriptor?>
    private let placesTaken = Atomic(0)

    /// Starts the process. Before any thread, and before anything is opened that it should not have: it is a copy of this one.
    ///
    /// - Throws: EAGAIN or ENOMEM where there may be no more processes.
    package static func start(stallSeconds: Int?) throws(Errno) -> Watchdog {
        precondition(Processes.threadCount == 1, "the watchdog must be started before any thread")
        let memory = try WatchdogMemory()
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        let reading = OwnedDescriptor(adopting: ends[0])
        let writing = OwnedDescriptor(adopting: ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(writing.rawValue, F_SETFL, O_NONBLOCK)
        let server = getpid()
        let identifier = try Processes.fork()
        if identifier == 0 {
            WatchdogProcess.run(
                messages: reading.rawValue, server: server, memory: memory, stallSeconds: stallSeconds)
        }
        reading.close()
        CrashSignals.tell(memory)
        return Watchdog(
            identifier, stallSeconds: stallSeconds, process: try Processes.descriptor(of: identifier), memory: memory,
            messages: SharedDescriptor(writing))
    }

    private init(
        _ identifier: CInt, stallSeconds: Int?, process: consuming OwnedDescriptor, memory: WatchdogMemory,
        messages: SharedDescriptor
    ) {
        self.identifier = identifier
        self.stallSeconds = stallSeconds
        self.process = process
        self.memory = memory
        self.messages = Guarded(messages)
    }

    /// Readable when the process has ended.
    package var endedDescriptor: CInt { process.rawValue }

    /// How many mounts it has aborted because they stood still.
    package var stalledMounts: UInt64 { memory.stalls }

    /// Announces a mount, which then is watched until it says that it is gone.
    func willMount(at mountPoint: MountPoint) -> MountWatch {
        let place = placesTaken.add(1, ordering: .relaxed).oldValue % WatchdogMemory.places
        memory.setState(place, .unknown)
        send(
            .willMount(
                place: UInt8(place), isPrivate: mountPoint.isPrivate,
                path: Array(mountPoint.path.utf8.prefix(WatchdogMessage.pathBytesMax))))
        return MountWatch(self, place: place)
    }

    /// Sends a message; without effect when the process has ended, which whoever waits for that has seen.
    func send(_ message: WatchdogMessage) {
        let bytes = message.encoded
        messages.withLock { descriptor in
            guard let descriptor else { return }
            _ = bytes.withUnsafeBytes { write(descriptor.rawValue, $0.baseAddress, $0.count) }
        }
    }

    /// Lets the process end, which it does at once when nothing is mounted, and waits for it, for a second at most. On the
    /// life cycle's thread.
    package func end() {
        messages.withLock { $0 = nil }
        var ended = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        // Cleaning up takes longer where something is stuck; it does not need us for that.
        if poll(&ended, 1, 1000) == 1 { reap() }
    }

    /// Takes note of the process's end, once `endedDescriptor` is readable.
    package func reap() {
        var status: CInt = 0
        while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
    }
}

import Glibc
import Platform
import Synchronization
import Testing

/// What debug builds check of every thread. The marks are the calling thread's: each test has one of its own.
@Suite struct ThreadRulesTests {
    private static let isDebug = _isDebugAssertConfiguration()

    /// Runs `body` on a new thread, to its end.
    private func onNewThread(_ body: @escaping @Sendable () -> Void) throws {
        try NamedThread("rules", body: body).join()
    }

    @Test func aThreadWithoutMarksMayUseEverything() throws {
        try onNewThread {
            #expect(ThreadRules.mayUse(AT_FDCWD, "/tmp/anything"))
            #expect(ThreadRules.mayUse(STDIN_FILENO))
            #expect(ThreadRules.mayNotify)
        }
    }

    @Test func aFuseThreadMayUseNoPathAndNoFileOfAMount() throws {
        let folder = SharedDescriptor(try Files.open("/sys", flags: O_RDONLY | O_DIRECTORY))
        let device = UInt64(try Files.status(folder.rawValue).st_dev)
        try onNewThread {
            #expect(ThreadRules.becomeFuseThread())
            #expect(ThreadRules.isFuseThread)
            #expect(!ThreadRules.mayNotify)
            #expect(!ThreadRules.mayUse(AT_FDCWD, "/tmp"))
            #expect(!ThreadRules.mayUse(AT_FDCWD, "relative"))
            #expect(!ThreadRules.mayUse(folder.rawValue, "/tmp"))
            #expect(ThreadRules.mayUse(AT_FDCWD, "/proc/self/mountinfo"))

            #expect(ThreadRules.mayUse(folder.rawValue))
            #expect(ThreadRules.mayUse(folder.rawValue, "kernel"))
            OwnMounts.add(device)
            #expect(!ThreadRules.mayUse(folder.rawValue))
            #expect(!ThreadRules.mayUse(folder.rawValue, "kernel"))
            #expect(!ThreadRules.mayUse(AT_FDCWD, "/proc/self/fd/\(folder.rawValue)"))
            OwnMounts.remove(device)
            #expect(ThreadRules.mayUse(folder.rawValue))
        }
    }

    @Test(.enabled(if: isDebug, "only debug builds count locks"))
    func noPathIsUsedUnderALock() throws {
        try onNewThread {
            let outer = Guarded(1)
            let inner = Guarded(2)
            outer.withLock { _ in
                #expect(ThreadRules.locksHeld == 1)
                inner.withLock { _ in #expect(ThreadRules.locksHeld == 2) }
                #expect(!ThreadRules.mayUse(AT_FDCWD, "/tmp"))
                #expect(!ThreadRules.mayNotify)
            }
            #expect(ThreadRules.locksHeld == 0)
            #expect(ThreadRules.mayUse(AT_FDCWD, "/tmp"))
        }
    }

    @Test(.enabled(if: isDebug, "only debug builds count locks"))
    func anErrorUnlocks() throws {
        try onNewThread {
            let value = Guarded(1)
            #expect(throws: Errno.ioError) { try value.withLock { (_) throws(Errno) in throw Errno.ioError } }
            #expect(ThreadRules.locksHeld == 0)
        }
    }

    // Each system call's wrapper asks.

    @Test(.enabled(if: isDebug, "only debug builds check"))
    func aFuseThreadThatOpensAPathEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            dieAtOnce()
            _ = ThreadRules.becomeFuseThread()
            _ = try? Files.open("/tmp", flags: O_RDONLY)
        }
    }

    @Test(.enabled(if: isDebug, "only debug builds check"))
    func aPathAskedForUnderALockEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            dieAtOnce()
            Guarded(0).withLock { _ in _ = try? Files.status(AT_FDCWD, "/tmp") }
        }
    }

    @Test(.enabled(if: isDebug, "only debug builds check"))
    func aReadOfTheMountUnderALockEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            dieAtOnce()
            let file = try Files.open("/proc/version", flags: O_RDONLY)
            OwnMounts.add(UInt64(try Files.status(file.rawValue).st_dev))
            let number = file.rawValue
            withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { room in
                // Without a lock it is what every server thread does.
                guard (try? Files.read(number, into: room, at: 0)) == 8 else { exit(0) }
                Guarded(0).withLock { _ in _ = try? Files.read(number, into: room, at: 0) }
            }
            file.close()
        }
    }

    @Test func aSetOfNumbersHoldsWhatWasAddedUntilItIsRemoved() {
        let numbers = AtomicNumbers(capacity: 3)
        for number in [5, 6, 7, 8] as [UInt64] { numbers.add(number) }
        #expect([0, 4, 5, 6, 7, 8].filter { numbers.contains($0) } == [5, 6, 7])
        numbers.remove(6)
        #expect(!numbers.contains(6))
        numbers.add(9)
        #expect([5, 6, 7, 8, 9].filter { numbers.contains($0) } == [5, 7, 9])
    }
}

/// Has a failed assertion end the process without the trace that Swift's runtime would make, which takes its time.
private func dieAtOnce() {
    for signal in [SIGILL, SIGTRAP, SIGABRT] { _ = Glibc.signal(signal, SIG_DFL) }
}

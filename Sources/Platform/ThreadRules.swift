import CKernel
import Glibc
import Synchronization

/// The two rules that keep a process from waiting for its own mount, checked in debug builds by every wrapper of a system call
/// that could break them: a FUSE thread never enters the mount, nor touches a path; and no thread enters the mount with a
/// lock held.
///
/// To be asked inside of `assert` only, so that release builds do none of it. Any thread.
package enum ThreadRules {
    /// Makes the calling thread a FUSE thread, for good.
    package static func becomeFuseThread() -> Bool {
        marks |= fuseThread
        return true
    }

    /// Whether the calling thread is a FUSE thread.
    package static var isFuseThread: Bool { marks & fuseThread != 0 }

    /// How many locks the calling thread holds.
    package static var locksHeld: Int { marks / oneLock }

    static func willLock() -> Bool {
        marks += oneLock
        return true
    }

    static func didUnlock() -> Bool {
        marks -= oneLock
        return true
    }

    /// Whether the calling thread may send a notification, which waits for lookups that FUSE threads answer.
    package static var mayNotify: Bool { marks == 0 }

    /// Whether the calling thread may use `path`, resolved from `directory`, which counts for a relative path only.
    package static func mayUse(_ directory: CInt, _ path: UnsafePointer<CChar>) -> Bool {
        if marks == 0 { return true }
        if path[0] != CChar(UInt8(ascii: "/")) { return directory != AT_FDCWD && mayUse(directory) }
        // procfs waits for nobody; its magic links lead to what they name.
        if let number = rest(of: path, after: "/proc/self/fd/") { return mayUse(CInt(strtol(number, nil, 10))) }
        return rest(of: path, after: "/proc/self/") != nil
    }

    /// Whether the calling thread may use an open file, or what it names.
    package static func mayUse(_ descriptor: CInt) -> Bool {
        if marks == 0 { return true }
        var result = statx()
        // What the kernel knows already: the question itself must not wait.
        let flags = CInt(KERNEL_AT_EMPTY_PATH) | CInt(KERNEL_AT_STATX_DONT_SYNC) | CInt(KERNEL_AT_NO_AUTOMOUNT)
        guard kernel_statx(descriptor, "", flags, 0, &result) >= 0 else { return true }
        return !OwnMounts.contains(Files.deviceNumber(major: result.stx_dev_major, minor: result.stx_dev_minor))
    }

    private static func rest(of path: UnsafePointer<CChar>, after prefix: String) -> UnsafePointer<CChar>? {
        strncmp(path, prefix, prefix.utf8.count) == 0 ? path + prefix.utf8.count : nil
    }

    private static let fuseThread = 1
    private static let oneLock = 2

    /// The calling thread's marks: bit 0 for a FUSE thread, the rest the number of locks.
    private static var marks: Int {
        get { Int(bitPattern: pthread_getspecific(key)) }
        set { pthread_setspecific(key, UnsafeRawPointer(bitPattern: newValue)) }
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0)
        return key
    }()
}

/// The devices of this process's own mounts, for `ThreadRules`. Any thread; reading takes no lock.
package enum OwnMounts {
    private static let devices = AtomicNumbers(capacity: 16)

    package static func add(_ device: UInt64) { devices.add(device) }

    package static func remove(_ device: UInt64) { devices.remove(device) }

    static func contains(_ device: UInt64) -> Bool { devices.contains(device) }
}

/// A small set of numbers, none of them 0, that is read without a lock. Any thread.
package final class AtomicNumbers: @unchecked Sendable {
    /// 0 where a place is free.
    private let places: UnsafeMutablePointer<Atomic<UInt64>>
    private let capacity: Int
    /// How many places have ever been taken: those that a reader looks at.
    private let used = Atomic(0)

    package init(capacity: Int) {
        self.capacity = capacity
        places = .allocate(capacity: capacity)
        for index in 0..<capacity { (places + index).initialize(to: Atomic(0)) }
    }

    deinit { places.deallocate() }

    /// Adds a number; one more than there is room for is left out.
    package func add(_ number: UInt64) {
        for index in 0..<capacity {
            guard places[index].compareExchange(expected: 0, desired: number, ordering: .releasing).exchanged else {
                continue
            }
            used.max(index + 1, ordering: .releasing)
            return
        }
    }

    /// Removes a number, once.
    package func remove(_ number: UInt64) {
        for index in 0..<used.load(ordering: .acquiring)
        where places[index].compareExchange(expected: number, desired: 0, ordering: .releasing).exchanged {
            return
        }
    }

    package func contains(_ number: UInt64) -> Bool {
        if number == 0 { return false }
        for index in 0..<used.load(ordering: .acquiring) where places[index].load(ordering: .relaxed) == number {
            return true
        }
        return false
    }
}

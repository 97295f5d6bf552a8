import Glibc
import Platform
import Synchronization
import Telemetry

/// The memory that server and watchdog share: what each tells the other without a system call.
struct WatchdogMemory: @unchecked Sendable {
    /// Anonymous, shared, never unmapped. A line of 64 bytes for each value: each has one writer.
    private let memory: UnsafeMutableRawPointer

    /// How many mounts there may be at a time: one, and those before it whose FUSE threads have not all ended.
    static let places = 8
    private static let lineBytes = 64
    private static let headBytes = lineBytes * (2 + places)

    /// What the watchdog says of a place.
    enum State: UInt64 {
        /// It has not taken the mount up yet.
        case unknown
        /// It can abort the connection, and sees what waits for an answer.
        case watching
        /// It can only unmount: the connection's control files could not be opened.
        case withoutControl
        /// It has aborted the connection, because requests waited and none was answered.
        case stalled
    }

    init() throws(Errno) {
        let byteCount = Self.headBytes + Self.places * FuseProgress.byteCount
        let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else { throw Errno(rawValue: errno) }
        memory = address
    }

    /// How many connections the watchdog has aborted because they stood still. Written by the watchdog.
    var stalls: UInt64 { value(0).pointee.load(ordering: .acquiring) }

    /// By the watchdog.
    func countStall() { value(0).pointee.store(stalls &+ 1, ordering: .releasing) }

    /// What the watchdog says of a place, and the error that kept it from the control files.
    func state(_ place: Int) -> (state: State, error: Errno?) {
        let value = value(1 + place).pointee.load(ordering: .acquiring)
        let code = CInt(truncatingIfNeeded: value >> 8)
        return (State(rawValue: value & 0xff) ?? .unknown, code == 0 ? nil : Errno(rawValue: code))
    }

    /// By the watchdog; by the server only before it announces a mount for the place.
    func setState(_ place: Int, _ state: State, error: Errno? = nil) {
        let code = UInt64(error?.rawValue ?? 0)
        value(1 + place).pointee.store(state.rawValue | code << 8, ordering: .releasing)
    }

    /// What a place's FUSE threads have answered. Written by them.
    func progress(_ place: Int) -> FuseProgress {
        FuseProgress(memory + Self.headBytes + place * FuseProgress.byteCount)
    }

    /// Not 0 once the server has crashed. Written by its signal handlers.
    var crash: UnsafeMutablePointer<Atomic<UInt64>> { value(1 + Self.places) }

    private func value(_ line: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (memory + line * Self.lineBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}

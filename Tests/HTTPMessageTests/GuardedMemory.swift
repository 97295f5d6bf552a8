import Glibc

/// Pages with an inaccessible page behind them: one byte read or written too far ends the test process.
final class GuardedMemory {
    private let base: UnsafeMutableRawPointer
    private let bytesMax: Int
    private let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    init(bytesMax requested: Int = 32768) {
        bytesMax = (requested + pageBytes - 1) / pageBytes * pageBytes
        base = mmap(nil, bytesMax + pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(base != MAP_FAILED && mprotect(base + bytesMax, pageBytes, PROT_NONE) == 0)
    }

    deinit { munmap(base, bytesMax + pageBytes) }

    /// The last `count` bytes in front of the inaccessible page.
    func tail(_ count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count <= bytesMax)
        return UnsafeMutableRawBufferPointer(start: base + bytesMax - count, count: count)
    }

    /// A copy of `bytes` that ends at the inaccessible page.
    func place(_ bytes: some Collection<UInt8>) -> UnsafeRawBufferPointer {
        let room = tail(bytes.count)
        room.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(room)
    }
}

/// Runs `body` on a copy of `bytes` that ends at an inaccessible page.
func withGuarded<Result>(_ bytes: some Collection<UInt8>, _ body: (RawSpan) -> Result) -> Result {
    let memory = GuardedMemory(bytesMax: max(bytes.count, 1))
    return withExtendedLifetime(memory) { body(memory.place(bytes).bytes) }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

import Glibc

/// Numbers that are the same in each run (SplitMix64), so that what fails once fails again.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Content for files: stretches of one pool of random bytes whose length is prime, so that a piece from a wrong offset
/// shows.
package enum RandomBytes {
    private static let poolBytes = 1_048_583

    private static let pool: [UInt8] = {
        var generator = SeededGenerator(seed: 0x5eed)
        return [UInt8](unsafeUninitializedCapacity: poolBytes) { memory, count in
            while count < poolBytes {
                var number = generator.next()
                let step = min(8, poolBytes - count)
                memcpy(memory.baseAddress! + count, &number, step)
                count += step
            }
        }
    }()

    /// `count` bytes that start at `offset` of the pool, which repeats without an end.
    package static func make(_ count: Int, from offset: Int = 0) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
            pool.withUnsafeBytes { pool in
                while filled < count {
                    let position = (offset + filled) % pool.count
                    let step = min(count - filled, pool.count - position)
                    memcpy(memory.baseAddress! + filled, pool.baseAddress! + position, step)
                    filled += step
                }
            }
        }
    }
}

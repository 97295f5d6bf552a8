import Glibc
import Testing

@testable import ServerCore

@Suite struct WatchdogMessageTests {
    static let messages: [WatchdogMessage] = [
        .willMount(place: 0, isPrivate: true, path: Array("/tmp/serverfs-abc".utf8)),
        .willMount(place: 7, isPrivate: false, path: [0x2f, 0xff, 0x0a, 0x20]),
        .willMount(place: 3, isPrivate: false, path: [UInt8](repeating: 0x2f, count: WatchdogMessage.pathBytesMax)),
        .mounted(place: 1, device: .max, mountID: 1 << 40), .unmounted(place: 2),
    ]

    @Test func whatIsSentIsReceivedHoweverItIsCut() throws {
        let stream = Self.messages.flatMap(\.encoded)
        for chunk in [1, 5, 24, 1000, stream.count] {
            var received: [WatchdogMessage] = []
            var pending: [UInt8] = []
            for start in stride(from: 0, to: stream.count, by: chunk) {
                pending += stream[start..<min(start + chunk, stream.count)]
                while let message = try WatchdogMessage.take(from: &pending) { received.append(message) }
            }
            #expect(received == Self.messages)
            #expect(pending.isEmpty)
        }
    }

    @Test(arguments: [(0, 23), (1, 0xff), (4, 0), (4, 9), (5, 8)])
    func whatIsNoMessageIsRefused(offset: Int, byte: UInt8) {
        var bytes = WatchdogMessage.mounted(place: 1, device: 2, mountID: 3).encoded
        bytes[offset] = byte
        #expect(throws: WatchdogMessage.Malformed.self) { try WatchdogMessage.take(from: &bytes) }
    }
}

@Suite struct StallMeterTests {
    private static let look: UInt64 = 100_000_000

    /// Looks at the given times of 0.1 s.
    private func isStalled(_ meter: inout StallMeter, waiting: Int, answered: UInt64, at tenths: Int) -> Bool {
        meter.look(waiting: waiting, answered: answered, now: UInt64(tenths) * Self.look)
    }

    @Test func whatWaitsForTheWholeTimeIsAStall() {
        var meter = StallMeter(seconds: 1, lookNanoseconds: Self.look)
        for tenth in 100..<110 { #expect(!isStalled(&meter, waiting: 1, answered: 5, at: tenth)) }
        #expect(isStalled(&meter, waiting: 3, answered: 5, at: 110))
    }

    @Test func anAnswerStartsTheTimeAgain() {
        var meter = StallMeter(seconds: 1, lookNanoseconds: Self.look)
        for tenth in 0..<100 { #expect(!isStalled(&meter, waiting: 1, answered: UInt64(tenth / 9), at: tenth)) }
    }

    @Test func nothingThatWaitsStartsTheTimeAgain() {
        var meter = StallMeter(seconds: 1, lookNanoseconds: Self.look)
        for tenth in 0..<100 { #expect(!isStalled(&meter, waiting: tenth % 9 == 0 ? 0 : 1, answered: 5, at: tenth)) }
    }

    /// The machine stood still between two looks, or the watchdog did.
    @Test func timeThatNobodyLookedInDoesNotCount() {
        var meter = StallMeter(seconds: 1, lookNanoseconds: Self.look)
        #expect(!isStalled(&meter, waiting: 1, answered: 5, at: 0))
        for tenth in 1000..<1009 { #expect(!isStalled(&meter, waiting: 1, answered: 5, at: tenth)) }
        #expect(isStalled(&meter, waiting: 1, answered: 5, at: 1009))
    }
}

@Suite struct WatchedProcessTests {
    private func isDying(_ name: String, state: String, flags: UInt64, pending: UInt64) -> Bool {
        let fields =
            ["1", "1", "1", "0", "-1", "\(flags)"] + [String](repeating: "7", count: 21) + ["\(pending)"]
            + [String](repeating: "256", count: 21)
        let line = Array("4711 (\(name)) \(state) \(fields.joined(separator: " "))\n".utf8)
        return line.withUnsafeBytes { WatchedProcess.isDying($0) }
    }

    @Test(arguments: ["serverfs", "a) Z (b", ") Z 1 1", "x) S 4 4 4 4 4 4 4"])
    func aLivingProcessIsNotTakenForADyingOne(_ name: String) {
        for state in ["R", "S", "D", "T", "t", "I"] {
            #expect(!isDying(name, state: state, flags: 0x400000, pending: 1 << UInt64(SIGTERM - 1)))
        }
    }

    @Test func aProcessThatCannotEndIsSeenToBeDying() {
        #expect(isDying("serverfs", state: "Z", flags: 0, pending: 0))
        #expect(isDying("serverfs", state: "X", flags: 0, pending: 0))
        #expect(isDying("serverfs", state: "D", flags: 0x400000, pending: 1 << UInt64(SIGKILL - 1)))
        for flag in [0x4, 0x8, 0x200, 0x400] as [UInt64] {
            #expect(isDying("serverfs", state: "D", flags: 0x400000 | flag, pending: 0))
        }
    }

    @Test func thisProcessLives() {
        #expect(!WatchedProcess(getpid()).isDying)
    }

    @Test func anotherProcessWithItsNumberIsNotTakenForIt() throws {
        var child: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        defer { free(arguments[0]) }
        #expect(posix_spawnp(&child, "true", nil, nil, &arguments, environ) == 0)
        let watched = WatchedProcess(child)
        var status: CInt = 0
        #expect(waitpid(child, &status, 0) == child)
        #expect(watched.isDying)
    }
}

import Glibc
import Platform
import Synchronization
import TestSupport
import Testing

@testable import FuseProxy

/// A file that is read while it is written to: each `write(2)` is seen in whole or not at all. On tmpfs, which copies for both at
/// once.
@Suite(.timeLimit(.minutes(1)))
struct CopyReaderTests {
    private static let size = 100_000

    /// Times that tell each change from the one before, and are in memory.
    private static let hasFineTimes: Bool = {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let isTmpfs = (try? MountTable.entry(at: "/dev/shm"))?.fileSystemType == "tmpfs"
        return isTmpfs && numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 13)
    }()

    /// Reads as often as can be in a second and a half, and counts the reads in which two writes are mixed; longer, if that was not
    /// enough.
    private func mixedReads(
        until isEnough: (_ mixed: Int, _ count: Int) -> Bool,
        _ read: (CInt, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> (mixed: Int, of: Int) {
        let file = SharedDescriptor(try NamelessFile.make(in: "/dev/shm"))
        let isOver = EndFlag()
        let size = Self.size
        var bytes = [UInt8](repeating: 0, count: size)
        #expect(write(file.rawValue, bytes, size) == size)
        let writer = try NamedThread("writer") {
            var number: UInt8 = 0
            while !isOver.value.load(ordering: .relaxed) {
                number &+= 1
                let next = [UInt8](repeating: number, count: size)
                _ = pwrite(file.rawValue, next, size, 0)
                usleep(UInt32.random(in: 0..<300))
            }
        }
        defer {
            isOver.value.store(true, ordering: .relaxed)
            writer.join()
        }
        var (mixed, count) = (0, 0)
        let began = Clock.monotonicNanoseconds
        let (end, last) = (began + 1_500_000_000, began + 20_000_000_000)
        while Clock.monotonicNanoseconds < (isEnough(mixed, count) ? end : last) {
            #expect(try bytes.withUnsafeMutableBytes { try read(file.rawValue, $0) } == size)
            // Every byte is the one before it.
            let isWhole = bytes.withUnsafeBytes { memcmp($0.baseAddress!, $0.baseAddress! + 1, size - 1) == 0 }
            if !isWhole { mixed += 1 }
            count += 1
        }
        return (mixed, count)
    }

    private final class EndFlag: Sendable {
        let value = Atomic(false)
    }

    @Test(.enabled(if: hasFineTimes, "file times are coarse before Linux 6.13, or /dev/shm is no tmpfs"))
    func aWriteIsSeenInWholeOrNotAtAll() throws {
        // That there is something to see: pread alone mixes.
        let plain = try mixedReads(until: { mixed, _ in mixed > 0 }) { try Files.read($0, into: $1, at: 0) }
        #expect(plain.mixed > 0, "of \(plain.of) reads")
        let (mixed, count) = try mixedReads(until: { $1 > 100 }) { (file, room) in
            // Where a writer is waited for in vain, which a busy machine makes happen, that is said.
            while true {
                do throws(Errno) {
                    return try CopyReader.read(file, into: room, at: 0, isWholeOnly: true)
                } catch .ioError {
                    continue
                }
            }
        }
        #expect(mixed == 0, "of \(count) reads")
        #expect(count > 100)
    }

    /// Who is kept waiting by one file does not wait for it again and again.
    @Test func waitingForAWriterEndsInTime() throws {
        let waits = WriterWait()
        let file = try NamelessFile.make(in: "/dev/shm")
        func deadline(_ milliseconds: UInt64) -> UInt64 { Clock.monotonicNanoseconds + milliseconds * 1_000_000 }
        let identity = FileIdentity(try Files.status(file.rawValue))
        #expect(waits.wait(file.rawValue, identity, at: 0, until: deadline(5000)))
        #expect(!waits.wait(file.rawValue, identity, at: 0, until: 0))
        let folder = try Files.open("/", flags: O_RDONLY)
        let other = FileIdentity(try Files.status(folder.rawValue))
        let began = Clock.monotonicNanoseconds
        // What cannot be asked for is not waited for.
        _ = waits.wait(folder.rawValue, other, at: 0, until: deadline(5000))
        #expect(Clock.monotonicNanoseconds - began < 4_000_000_000)
    }
}

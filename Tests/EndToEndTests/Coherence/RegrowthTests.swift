import Glibc
import Platform
import Synchronization
import Testing

extension EndToEnd {
    /// A file that is cut and at once grows again, hundreds of times a second, for readers who never stop.
    @Suite(.enabled(if: Capability.isRoot, "fanotify needs root"), .timeLimit(.minutes(1)))
    struct RegrowthTests {
        private static let seconds = 4.0
        private static let readers = 4
        /// A READ waits for so long before it is refused (`SizeDoubts.patienceNanosecondsMax`).
        private static let patienceSeconds = 0.025
        private let folder: PrivateFolder

        init() throws { folder = try PrivateFolder() }

        /// The kernel keeps the page in which a file ended with zeros behind it, and takes a larger size before it drops that page.
        /// Nothing of it may be seen, and next to no reader may be refused: he is where the docroot would give him bytes.
        @Test(arguments: [4000, 30_000])
        func noReaderSeesWhatIsBehindTheEnd(_ size: Int) throws {
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            try folder.write("docroot/file", [UInt8](repeating: 1, count: size))
            let server = try ServerProcess(["mount", docroot, mountPoint])
            let isOver = SharedFlag()
            let (cuts, reads, zeroFilled, refused) = (SharedCount(), SharedCount(), SharedCount(), SharedCount())
            let writer = try ClientThreads(1) { _ in
                let file = try Files.open("\(docroot)/file", flags: O_WRONLY)
                while !isOver.isSet {
                    let end = [0, 3, 100, 3000, 5000, 9000, Int.random(in: 0..<size)].randomElement()!
                    guard end < size else { continue }
                    ftruncate(file.rawValue, end)
                    cuts.add()
                    usleep([0, 500, 2000].randomElement()!)
                    let bytes = [UInt8](repeating: 1, count: size - end)
                    _ = pwrite(file.rawValue, bytes, bytes.count, off_t(end))
                    usleep([0, 500].randomElement()!)
                }
            }
            let stopwatch = Stopwatch()
            let readers = try ClientThreads(Self.readers) { index in
                let file = try Files.open("\(mountPoint)/file", flags: O_RDONLY)
                var bytes = [UInt8](repeating: 1, count: size)
                var (lastCut, lastRefusedCut) = (-1, -1)
                while !isOver.isSet {
                    let offset = index % 2 == 0 ? 0 : [0, 4096, 8192].randomElement()!
                    do {
                        let count = try bytes.withUnsafeMutableBytes {
                            try Files.read(file.rawValue, into: $0, at: Int64(offset))
                        }
                        // What is seen again and again until the next cut counts once.
                        if bytes[..<count].contains(0), cuts.value != lastCut {
                            zeroFilled.add()
                            lastCut = cuts.value
                        }
                    } catch let error as Errno where error == .ioError {
                        if cuts.value != lastRefusedCut {
                            refused.add()
                            lastRefusedCut = cuts.value
                        }
                    }
                    reads.add()
                }
            }
            usleep(UInt32(Self.seconds * 1e6))
            isOver.set()
            try writer.join()
            try readers.join()
            let wallSeconds = stopwatch.wallSeconds
            let stalledSeconds = max(wallSeconds - stopwatch.seconds, 0)
            print(
                "regrowth, \(size) bytes: \(cuts.value) cuts, \(reads.value) reads, \(zeroFilled.value) filled up, "
                    + "\(refused.value) refused, \(stalledSeconds) s stalled")
            #expect(cuts.value > 100 && reads.value > 1000)
            let isWhole = try eventually(seconds: 1) {
                try readFile(Array("\(mountPoint)/file".utf8)) == [UInt8](repeating: 1, count: size)
            }
            #expect(isWhole)
            // ext4 itself gives some: it clears what a reader is just copying, and what the daemon has copied is kept for some cuts.
            #expect(zeroFilled.value <= 5 + cuts.value / 100)
            // While the thread that tells the kernel has no processor, each reader is refused again and again.
            let refusedByStalls = Self.readers * Int(stalledSeconds / Self.patienceSeconds)
            #expect(refused.value <= 5 + cuts.value / 50 + refusedByStalls)
            #expect(server.stop() == .exited(0))
        }
    }
}

import Glibc
import Platform
import Synchronization
import Testing

extension EndToEnd {
    /// Everything at once, at random, for a long time: a tree that changes all the while is read through the mount and over
    /// HTTP.
    @Suite(.timeLimit(TestDuration.limit(TestDuration.randomSeconds)))
    final class RandomRunTests: Sendable {
        /// What the daemon holds at one time.
        private struct Footprint {
            let descriptors: Int
            let residentBytes: Int
            let anonymousBytes: Int

            init(_ process: pid_t) {
                descriptors = ProcessFacts.descriptorCount(process)
                residentBytes = ProcessFacts.memoryBytes(process, "Rss")
                anonymousBytes = ProcessFacts.memoryBytes(process, "Anonymous")
            }

            var text: String {
                "\(descriptors) descriptors, \(residentBytes >> 10) KiB resident, \(anonymousBytes >> 10) KiB of it its own"
            }
        }

        private let site: Site
        private let tree: ChangingTree
        private let isOver = SharedFlag()
        private let results = Mutex<[TreeReader.Result]>([])

        init() throws {
            site = try Site()
            tree = ChangingTree(docroot: site.docroot)
        }

        @Test func readersOfAChangingTreeFindWhatWasThere() throws {
            let process = site.server.identifier
            let device = try Files.status(AT_FDCWD, site.server.mountPoint).st_dev
            let changers = (0..<ChangingTree.changers).map { TreeChanger(tree, number: $0) }
            for changer in changers { try changer.prepare() }

            let changing = try startChangers(changers)
            let reading = try startReaders()
            // Whoever hangs in the mount is set free, so that the test ends and says so.
            let hasEnded = SharedFlag()
            let guardian = try NamedThread("guardian") {
                let isDone = eventually(seconds: TestDuration.randomSeconds + 60) { hasEnded.isSet }
                if !isDone { _ = FuseConnection.abort(device: UInt64(device)) }
            }
            let deadline = Deadline(seconds: TestDuration.randomSeconds)
            sleep(UInt32(TestDuration.randomSeconds / 3))
            let early = Footprint(process)
            while !deadline.hasPassed { usleep(50_000) }
            let late = Footprint(process)
            isOver.set()
            defer {
                hasEnded.set()
                guardian.join()
            }
            try changing.join()
            try reading.join()
            report(early, late)
            expectFlat(early, late)
            #expect(ProcessFacts.exists(process))
            #expect(site.server.process.errorOutput.isEmpty)
        }

        private func startChangers(_ changers: [TreeChanger]) throws -> ClientThreads {
            try ClientThreads(changers.count) { [isOver] index in
                let changer = changers[index]
                while !isOver.isSet {
                    try changer.step()
                    usleep(10_000)
                }
            }
        }

        private func startReaders() throws -> ClientThreads {
            let port = site.server.port
            let mountPoint = site.server.mountPoint
            return try ClientThreads(6) { [tree, isOver, self] index in
                var reader = TreeReader(tree, seed: UInt64(index))
                var connection: HTTPConnection?
                while !isOver.isSet, reader.result.wrong.count < 1000 {
                    if index < 4 {
                        reader.step(mountPoint: mountPoint)
                    } else {
                        try reader.step(&connection, port: port)
                    }
                    // Not to keep the processors from those who are to tell of changes.
                    usleep(500)
                }
                results.withLock { $0.append(reader.result) }
            }
        }

        private func report(_ early: Footprint, _ late: Footprint) {
            let results = results.withLock { $0 }
            let lateAnswers = results.flatMap(\.late)
            let zeroFilled = results.reduce(0) { $0 + $1.zeroFilled }
            let operations = results.reduce(0) { $0 + $1.operations }
            let beyond = lateAnswers.count { $0 > Delays.boundNanoseconds }
            print(
                "random run: \(operations) operations, \(results.reduce(0) { $0 + $1.cut }) responses cut off, "
                    + "\(zeroFilled) contents filled up; "
                    + "\(lateAnswers.count) answers late, by \(Delays.text(lateAnswers.max() ?? 0)) ms at most, "
                    + "\(beyond) by more than 100 ms")
            print("random run, after a third: \(early.text)")
            print("random run, at the end: \(late.text)")
            let wrong = results.flatMap(\.wrong)
            #expect(wrong.isEmpty, "\(wrong.count) wrong answers, the first of them: \(wrong.prefix(20))")
            #expect(zeroFilled <= ZeroFill.bound(responses: operations))
            #expect(operations > Int(TestDuration.randomSeconds * 100))
        }

        /// Files come and go, and some of them are kept open: that has a bound, and has reached it early.
        private func expectFlat(_ early: Footprint, _ late: Footprint) {
            #expect(late.descriptors <= early.descriptors * 5 / 4 + 64)
            #expect(late.anonymousBytes <= early.anonymousBytes * 5 / 4 + (4 << 20))
            #expect(late.residentBytes <= early.residentBytes * 5 / 4 + (8 << 20))
        }
    }
}

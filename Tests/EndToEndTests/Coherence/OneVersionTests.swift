import CTestCalls
import Glibc
import Platform
import Synchronization
import Testing

extension EndToEnd {
    /// A response has one version of its file, whenever that changes: what its head says and all of its bytes.
    @Suite(.enabled(if: Capability.isRoot, "fanotify needs root"), .timeLimit(.minutes(1)))
    struct OneVersionTests {
        private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

        private static func isPure(_ body: [UInt8]) -> Bool {
            body.withUnsafeBytes { $0.count < 2 || memcmp($0.baseAddress!, $0.baseAddress! + 1, $0.count - 1) == 0 }
        }

        /// Whoever asks for a file while it is cut and written anew gets one content with its own length, or what there is between.
        @Test(arguments: [520, 26_000, 130_000])
        func aRewrittenFileNeverHasTheLengthOfAnother(_ size: Int) throws {
            let site = try Site()
            let path = "\(site.docroot)/file"
            // Of neighbours each length differs.
            @Sendable func length(_ number: Int) -> Int { size / 26 * (number * 7 % 26 + 1) }
            try site.write("file", [UInt8](repeating: Self.letters[0], count: length(0)))
            let isOver = SharedFlag()
            let writer = try ClientThreads(1) { _ in
                var number = 0
                while !isOver.isSet {
                    number = (number + 1) % 26
                    let file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
                    defer { close(file) }
                    try writeAll(file, [UInt8](repeating: Self.letters[number], count: length(number)))
                    usleep(UInt32.random(in: 0..<2000))
                }
            }
            defer { isOver.set() }
            let (responses, wrong) = (SharedCount(), SharedCount())
            try onThreads(3) { _ in
                let deadline = Deadline(seconds: 3)
                var connection = try site.connect(.mount)
                while !deadline.hasPassed {
                    let response: HTTPResponse
                    do {
                        response = try connection.exchange("/file")
                    } catch ClientFailure.closed {
                        connection = try site.connect(.mount)
                        continue
                    }
                    responses.add()
                    guard response.status == 200, let first = response.body.first else { continue }
                    let number = Self.letters.firstIndex(of: first)
                    if number == nil || response.body.count != length(number!) || !Self.isPure(response.body) {
                        wrong.add()
                    }
                }
            }
            isOver.set()
            try writer.join()
            print("rewritten, \(size) bytes at most: \(responses.value) responses, \(wrong.value) wrong")
            #expect(wrong.value == 0)
            #expect(responses.value > 300)
        }

        /// A file that has been at rest is sent from the kernel's pages, which are dropped one by one when it changes.
        @Test func theFirstChangeOfAFileAtRestIsNotMixedEither() throws {
            let (count, size) = (300, 200_000)
            let site = try Site()
            for number in 0..<count { try site.write("\(number)", [UInt8](repeating: Self.letters[0], count: size)) }
            waitUntilSettled()
            let connection = try site.connect(.mount)
            for number in 0..<count { #expect(try connection.exchange("/\(number)").body.count == size) }

            let present = PresentFile()
            let isOver = SharedFlag()
            let mixed = SharedCount()
            let readers = try ClientThreads(3) { _ in
                var connection = try site.connect(.mount)
                while !isOver.isSet {
                    let number = present.number.load(ordering: .relaxed)
                    do {
                        let body = try connection.exchange("/\(number)").body
                        if !Self.isPure(body) { mixed.add() }
                        if body.first == Self.letters[1] { present.seen.max(number, ordering: .relaxed) }
                    } catch ClientFailure.closed {
                        // Its bytes could not be kept to one version: that is said by the end of the connection.
                        connection = try site.connect(.mount)
                    }
                }
            }
            defer { isOver.set() }
            for number in 0..<count {
                present.number.store(number, ordering: .relaxed)
                usleep(UInt32.random(in: 100..<500))
                let file = open("\(site.docroot)/\(number)", O_WRONLY | O_CLOEXEC)
                defer { close(file) }
                try writeAll(file, [UInt8](repeating: Self.letters[1], count: size))
                let isSeen = eventually(seconds: 2) { present.seen.load(ordering: .relaxed) >= number }
                try #require(isSeen, "file \(number)")
            }
            isOver.set()
            try readers.join()
            #expect(mixed.value == 0)
        }

        private final class PresentFile: Sendable {
            let number = Atomic(0)
            let seen = Atomic(-1)
        }

        /// Other kinds of requests for a file that has just changed, and is therefore read past the kernel's pages.
        @Test(arguments: [20_000, 300_000])
        func conditionsAndRangesAreOfTheFileThatHasJustChanged(_ size: Int) throws {
            let site = try Site()
            let content = RandomBytes.make(size)
            try site.write("file", content)
            let connection = try site.connect(.mount)
            let whole = try connection.exchange("/file")
            #expect(whole.body == content)
            let tag = try #require(whole["ETag"])
            let head = try connection.exchange("/file", method: "HEAD")
            #expect(head["ETag"] == tag)
            #expect(head["Content-Length"] == "\(size)")
            #expect(try connection.exchange("/file", fields: ["If-None-Match: \(tag)"]).status == 304)
            let part = try connection.exchange("/file", fields: ["Range: bytes=5000-9999", "If-Range: \(tag)"])
            #expect(part.status == 206)
            #expect(part.body == Array(content[5000..<10_000]))
            let end = try connection.exchange("/file", fields: ["Range: bytes=-7"])
            #expect(end.body == Array(content.suffix(7)))
            try site.write("file", [])
            let empty = try connection.exchange("/file")
            #expect(empty.status == 200)
            #expect(empty.body.isEmpty)
            #expect(try connection.exchange("/file", fields: ["If-None-Match: \(tag)"]).status == 200)
        }

        /// What tells the kernel of changes may be kept from a processor, and the kernel go by what the file was before: the server asks
        /// what it is.
        @Test(
            .enabled(if: Capability.mayTakeProcessors, "no program may have a real-time priority here"),
            .enabled(if: sysconf(CInt(_SC_NPROCESSORS_ONLN)) > 1, "there is one processor only"))
        func aWatcherWithoutAProcessorKeepsNobodyFromAnswers() throws {
            let site = try Site()
            for thread in ProcessFacts.threads(site.server.process.identifier) {
                let processor = thread.name == "watcher" ? "0" : "1"
                #expect(ChildProcess.run(["taskset", "-c", "-p", processor, "\(thread.identifier)"]) == .exited(0))
            }
            let answers = SharedCount()
            try onThreads(1) { _ in
                guard test_run_on_processor(1) == 0 else { throw ClientFailure.mismatch("no processor 1") }
                for _ in 1...4 { try appendAndAsk(site, answers) }
            }
            #expect(answers.value >= 40)
        }

        /// - Parameter answers: those that came while processor 0 was taken.
        private func appendAndAsk(_ site: Site, _ answers: SharedCount) throws {
            let piece = [UInt8](repeating: Self.letters[0], count: 500)
            try site.write("file", piece)
            var size = piece.count
            let connection = try site.connect(.mount)
            let isKnown = try eventually(seconds: 2) { try connection.exchange("/file").body.count == size }
            let script = "end=$((${EPOCHREALTIME/./} + 150000)); while ((${EPOCHREALTIME/./} < end)); do :; done"
            let hog = try ChildProcess(
                ["taskset", "-c", "0", "chrt", "-f", "90", "bash", "-c", script], in: site.folder)
            while isKnown {
                let file = open("\(site.docroot)/file", O_WRONLY | O_APPEND | O_CLOEXEC)
                defer { close(file) }
                try writeAll(file, piece)
                size += piece.count
                let response = try connection.exchange("/file")
                guard response.status == 200, response.body.count == size, Self.isPure(response.body) else {
                    throw ClientFailure.mismatch("\(response.status), \(response.body.count) bytes of \(size)")
                }
                guard hog.wait(seconds: 0) == nil else { return }
                answers.add()
                usleep(2000)
            }
        }

        /// The bytes that are written come from the mount, which asks for them while the docroot's file is locked: whoever waited
        /// for the writer there would wait for himself.
        @Test func aWriterThatWaitsForTheMountIsNotWaitedFor() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let size = 1 << 20
            let content = RandomBytes.make(size)
            try folder.write("docroot/file", content)
            let mounted = try MountedDocroot(docroot, cutAfterSeconds: 10)
            let file = try Files.open("\(mounted.mountPoint)/file", flags: O_RDONLY)
            let mapped = try #require(mmap(nil, size, PROT_READ, MAP_SHARED, file.rawValue, 0))
            try #require(mapped != MAP_FAILED)
            defer { munmap(mapped, size) }
            let writer = open("\(docroot)/file", O_WRONLY | O_CLOEXEC)
            defer { close(writer) }
            let time = seconds { #expect(pwrite(writer, mapped, size, 0) == size) }
            #expect(time < 3)
            #expect(try readFile(Array("\(docroot)/file".utf8)) == content)
            #expect(mounted.server.stop() == .exited(0))
        }

        /// A writer whose bytes come slowly holds the file meanwhile. For a moment he is waited for: at one of three times, since the
        /// test itself may be held up. And not for ever: the answer is 503 then. Other files are answered.
        @Test(arguments: [true, false])
        func aWriterWhoIsHeldUpIsWaitedFor(_ goesOn: Bool) throws {
            let site = try Site(["other": "other"])
            var statuses: [Int] = []
            for number in 1...(goesOn ? 3 : 1) where statuses.last != 200 {
                statuses.append(try statusWhileHeldUp(site, Self.letters[number], goesOn: goesOn))
            }
            #expect(statuses.last == (goesOn ? 200 : 503), "\(statuses)")
        }

        /// What is answered while a file is written, whose writer goes on soon or not until then.
        private func statusWhileHeldUp(_ site: Site, _ letter: UInt8, goesOn: Bool) throws -> Int {
            let path = "\(site.docroot)/file"
            let bytes = [UInt8](repeating: letter, count: 26_400)
            let folder = try PrivateFolder()
            let slow = try StallingFolder(["bytes": bytes], in: folder)
            let source = try Files.open("\(slow.path)/bytes", flags: O_RDONLY)
            let mapped = try MappedBytes(source.rawValue, count: bytes.count)
            // What has been at rest would be sent as it was.
            try site.write("file", [UInt8](repeating: Self.letters[0], count: bytes.count))
            let before = ContentVersion(try Files.status(AT_FDCWD, path))
            try slow.stall()
            defer { slow.resume() }
            let writer = try ClientThreads(1) { _ in
                let file = open(path, O_WRONLY | O_CLOEXEC)
                defer { close(file) }
                guard pwrite(file, mapped.start, mapped.count, 0) == mapped.count else {
                    throw ClientFailure.mismatch("pwrite")
                }
            }
            // The times are set before the bytes are copied.
            let isWriting = try eventually(seconds: 5) { ContentVersion(try Files.status(AT_FDCWD, path)) != before }
            #expect(isWriting)
            let status = SharedCount()
            let reader = try ClientThreads(1) { _ in
                let response = try site.fetch(.mount, "/file")
                guard response.status != 200 || response.body == bytes else { throw ClientFailure.mismatch("/file") }
                for _ in 0..<response.status { status.add() }
            }
            usleep(60_000)
            #expect(try site.fetch(.mount, "/other").bodyText == "other")
            if goesOn { slow.resume() }
            #expect(try seconds { try reader.join() } < 2)
            slow.resume()
            try writer.join()
            // For a moment nobody tries again.
            let isWhole = try eventually(seconds: 2) { try site.fetch(.mount, "/file").body == bytes }
            #expect(isWhole)
            return status.value
        }

        /// Bytes of a file that is open, read when they are touched.
        private final class MappedBytes: @unchecked Sendable {
            let start: UnsafeMutableRawPointer
            let count: Int

            init(_ file: CInt, count: Int) throws {
                let mapped = try #require(mmap(nil, count, PROT_READ, MAP_PRIVATE, file, 0))
                try #require(mapped != MAP_FAILED)
                (start, self.count) = (mapped, count)
            }

            deinit { munmap(start, count) }
        }
    }
}

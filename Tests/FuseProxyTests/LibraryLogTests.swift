import Glibc
import Testing

@testable import FuseProxy

/// Standard error is the whole process's, so each test has a process of its own.
@Suite struct LibraryLogTests {
    @Test func whatOthersSayWhileTheHelperIsListenedToIsSaidAfterwards() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let caught = LibraryLog.catchingStandardError {
                let text = "first\nfusermount3: one reason\nsecond\nfusermount3: mount failed: why\nrest"
                return write(STDERR_FILENO, text, text.utf8.count) == text.utf8.count
            }
            let isRight = caught.result && caught.line == "fusermount3: mount failed: why"
            exit(isRight ? 0 : 1)
        }
        #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } == "first\nsecond\nrest")
    }

    @Test func whatIsSaidBeforeAndAfterIsNotCaught() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            write(STDERR_FILENO, "before\n", 7)
            let caught = LibraryLog.catchingStandardError { 7 }
            write(STDERR_FILENO, "after\n", 6)
            exit(caught.result == 7 && caught.line.isEmpty ? 0 : 1)
        }
        #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } == "before\nafter\n")
    }
}

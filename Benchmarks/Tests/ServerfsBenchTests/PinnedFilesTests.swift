import Glibc
import Testing

@testable import serverfs_bench

struct PinnedFilesTests {
    @Test func filesArePinnedUntilTheyAreLetGo() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        try directory.write(String(repeating: "x", count: 100_000), to: "file")
        try directory.write("", to: "empty")
        let before = try lockedKiB()
        let files = PinnedFiles(directory.file(""))
        try files.pin(["file", "empty"])
        #expect(try lockedKiB() - before == 100)
        files.unpin()
        #expect(try lockedKiB() == before)
    }

    @Test func aFileThatIsNotThereIsNamed() throws {
        let failure = #expect(throws: BenchFailure.self) { try PinnedFiles("/nowhere").pin(["file"]) }
        #expect(failure?.message.contains("/nowhere/file") == true)
    }

    /// VmLck of this process.
    private func lockedKiB() throws -> Int {
        let status = text(ofFile: "/proc/self/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
        return try #require(Int(line.split(separator: " ")[1]))
    }
}

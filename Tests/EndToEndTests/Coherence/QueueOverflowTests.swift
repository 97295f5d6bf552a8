import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// More changes than the kernel queues while nobody takes them: nothing that was known before is believed after.
    @Suite(.enabled(if: Capability.isRoot, "fanotify needs root"), .timeLimit(.minutes(1)))
    struct QueueOverflowTests {
        private static func queuedEventsMax() throws -> Int {
            let file = try Files.open("/proc/sys/fs/fanotify/max_queued_events", flags: O_RDONLY)
            var text = [UInt8](repeating: 0, count: 32)
            let count = try text.withUnsafeMutableBytes { try Files.read(file.rawValue, into: $0, at: 0) }
            return try #require(Int(String(decoding: text[..<max(count - 1, 0)], as: UTF8.self)))
        }

        @Test
        func whatWasLostIsFoundOutAllTheSame() throws {
            let limit = try Self.queuedEventsMax()
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            try folder.write("docroot/f", "old")
            let server = try ServerProcess(["mount", docroot, mountPoint, "--fuse-stall-timeout", "off"])
            func present() throws -> String {
                String(decoding: try readFile(Array("\(mountPoint)/f".utf8)), as: UTF8.self)
            }
            #expect(try present() == "old")
            #expect(PrivateFolder.names(in: mountPoint) == ["f"])
            // What is not there is known too.
            #expect(access("\(mountPoint)/n1", F_OK) == -1)

            server.signal(SIGSTOP)
            let script = "for i in $(seq \(limit + 2000)); do : > n$i; done; printf new > f; rm n2"
            let status = ChildProcess.run(["bash", "-c", "cd '\(docroot)' && \(script)"])
            server.signal(SIGCONT)
            try #require(status == .exited(0))
            let isSeen = try eventually(seconds: 10) {
                try present() == "new" && access("\(mountPoint)/n1", F_OK) == 0
            }
            #expect(isSeen)
            #expect(access("\(mountPoint)/n2", F_OK) == -1)
            #expect(PrivateFolder.names(in: mountPoint).count == limit + 2000)
        }
    }
}

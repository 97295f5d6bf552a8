import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// Who has a file of the mount open, or looks at it again and again, sees what the docroot has, whichever way it changes.
    @Suite(.enabled(if: Capability.isRoot, "fanotify and mount(8) need root"), .timeLimit(.minutes(1)))
    struct PresentReaderTests {
        private let folder: PrivateFolder

        init() throws { folder = try PrivateFolder() }

        private func shell(_ script: String, in path: String) throws {
            try #require(ChildProcess.run(["bash", "-c", "cd '\(path)' && \(script)"]) == .exited(0))
        }

        private func content(_ file: CInt) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = try bytes.withUnsafeMutableBytes { try Files.read(file, into: $0, at: 0) }
            return Array(bytes[..<count])
        }

        private func text(_ path: String) throws -> String {
            String(decoding: try readFile(Array(path.utf8)), as: UTF8.self)
        }

        private func expectPresent(
            _ docroot: String, _ mountPoint: String, scripts: [String], within limit: Double
        ) throws {
            try folder.write("outside", "outside")
            let file = try Files.open("\(mountPoint)/f", flags: O_RDONLY)
            #expect(try content(file.rawValue) == readFile(Array("\(docroot)/f".utf8)))
            for script in scripts {
                try shell(script, in: docroot)
                let isSeen = try eventually(seconds: limit) {
                    let present = try Files.status(AT_FDCWD, "\(docroot)/f").st_size
                    return try content(file.rawValue) == readFile(Array("\(docroot)/f".utf8))
                        && Files.status(file.rawValue).st_size == present
                }
                #expect(isSeen, "\(script)")
            }
        }

        @Test
        func whoKeepsAFileOpenSeesItChange() throws {
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            try folder.write("docroot/f", "AAAA")
            let server = try ServerProcess(["mount", docroot, mountPoint])
            let scripts = ["printf BBBB 1<>f", "printf CC >>f", "truncate -s 3 f", "head -c 30000 /dev/urandom > f"]
            try expectPresent(docroot, mountPoint, scripts: scripts, within: 1)
            _ = server
        }

        /// tmpfs has no inode numbers in its file handles, by which fanotify names what has changed.
        @Test
        func aSecondNameOnTmpfsIsWatchedToo() throws {
            let volume = try folder.makeFolder("volume")
            try shell("mount -t tmpfs -o size=8m none .", in: volume)
            try shell("mkdir docroot outside && printf AAAA > docroot/f", in: volume)
            let mountPoint = try folder.makeFolder("mount")
            let server = try ServerProcess(["mount", "\(volume)/docroot", mountPoint])
            #expect(try text("\(mountPoint)/f") == "AAAA")
            try shell("ln docroot/f outside/second", in: volume)
            let scripts = ["printf BBBB 1<>../outside/second", "printf CC >>../outside/second"]
            try expectPresent("\(volume)/docroot", mountPoint, scripts: scripts, within: 2.5)
            _ = server
        }

        /// What is mounted in the docroot is not watched: it is looked at anew after a second, and never an error meanwhile.
        @Test
        func whatIsMountedInTheDocrootIsSeenWithinItsSecond() throws {
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            try shell("mkdir sub elsewhere && mount -t tmpfs -o size=8m none sub", in: docroot)
            try shell("mount -t tmpfs -o size=8m none elsewhere && touch f && printf old > elsewhere/g", in: docroot)
            try shell("mount --bind elsewhere/g f && head -c 20000 /dev/urandom > sub/long", in: docroot)
            let server = try ServerProcess(["mount", docroot, mountPoint])
            #expect(try text("\(mountPoint)/f") == "old")
            try shell("printf new-longer > f", in: docroot)
            let isSeen = try eventually(seconds: 2.5) { try text("\(mountPoint)/f") == "new-longer" }
            #expect(isSeen)
            let size = try Files.status(AT_FDCWD, "\(mountPoint)/sub/long").st_size
            #expect(size == 20000)
            try shell("truncate -s 100 sub/long", in: docroot)
            for _ in 1...20 {
                // Whatever the length that the kernel still knows: no error.
                #expect(throws: Never.self) {
                    let file = try Files.open("\(mountPoint)/sub/long", flags: O_RDONLY)
                    _ = try content(file.rawValue)
                }
                usleep(20_000)
            }
            _ = server
        }
    }
}

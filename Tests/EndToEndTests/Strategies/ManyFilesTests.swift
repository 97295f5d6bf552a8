import Glibc
import Platform
import Testing

extension EndToEnd {
    /// A tree of more files than serverfs may have descriptors.
    @Suite(
        .timeLimit(.minutes(2)), .enabled(if: Capability.isRoot, "dropping the kernel's caches needs root"))
    struct ManyFilesTests {
        /// One docroot for all cases: none changes it.
        private static let sharedFolder = Result { try makeFiles() }
        private let folder: PrivateFolder

        init() throws { folder = try Self.sharedFolder.get() }

        private static func makeFiles() throws -> PrivateFolder {
            let folder = try PrivateFolder()
            _ = try folder.makeFolder("docroot")
            for index in 0..<100 {
                let path = try folder.makeFolder("docroot/\(index)")
                for file in 0..<200 { try writeFile(Array("\(path)/\(file)".utf8), Array("\(index) \(file)\n".utf8)) }
            }
            return folder
        }

        @Test(
            arguments: [
                [], ["--fuse-open", "retained", "--fuse-cache", "timeout=60", "--fuse-read", "mmap"],
                ["--fuse-open", "passthrough"],
                ["--fuse-api", "highlevel", "--fuse-open", "retained", "--fuse-cache", "none"],
            ])
        func twentyThousandFilesNeedFewDescriptors(_ options: [String]) throws {
            let docroot = "\(folder.path)/docroot"
            let mounted = try MountedDocroot(
                docroot, options, prefix: ["prlimit", "--nofile=256:256"], cutAfterSeconds: 90)
            let server = mounted.server
            let difference = try ChildProcess(["timeout", "60", "diff", "-r", docroot, mounted.mountPoint], in: folder)
            // The kernel may forget inodes at any time: what it knew at its best counts.
            var known: UInt64 = 0
            while difference.wait(seconds: 0.1) == nil {
                known = try max(known, server.metrics()["serverfs_fuse_inodes"])
            }
            #expect(difference.wait(seconds: 0) == .exited(0), "\(difference.output) \(difference.errorOutput)")
            if !options.contains("highlevel") { #expect(known > 5000) }
            var left = known
            _ = try eventually(seconds: 10) {
                _ = ChildProcess.run(["bash", "-c", "echo 2 >/proc/sys/vm/drop_caches"])
                left = try server.metrics()["serverfs_fuse_inodes"]
                return left == 1
            }
            #expect(left == 1, "inodes are left")
            // Unmounted by somebody else: there is nobody left who knows anything, and it ends.
            try #require(ChildProcess.run(["umount", mounted.mountPoint]) == .exited(0))
            #expect(server.process.wait(seconds: 5) == .exited(0))
        }
    }
}

import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Another program's judgement of the bytes: fio writes blocks with checksums to the docroot, and verifies them through
    /// the mount.
    @Suite(.timeLimit(.minutes(1)), .enabled(if: Capability.isInstalled("fio"), "fio is not installed"))
    struct VerifyTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            let status = try fio("write", in: docroot, ["--rw=randwrite", "--do_verify=0"])
            try #require(status == .exited(0))
        }

        private func fio(_ name: String, in path: String, _ options: [String]) throws -> EndStatus? {
            let common = [
                "timeout", "20", "fio", "--name=verified", "--directory=\(path)", "--nrfiles=3", "--size=12m",
                "--bs=16k", "--verify=crc32c", "--randseed=7",
            ]
            return try ChildProcess(common + options, in: folder, workingFolder: folder.path).wait(seconds: 25)
        }

        private func verify(_ path: String, _ order: String) throws -> EndStatus? {
            try fio(order, in: path, ["--rw=\(order)", "--readonly", "--invalidate=0"])
        }

        @Test(arguments: Combination.sample)
        func whatFioWroteItVerifiesThroughTheMount(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options)
            #expect(try verify(mounted.mountPoint, "randread") == .exited(0))
            #expect(mounted.server.stop() == .exited(0))
        }

        @Test func aWrongByteIsFound() throws {
            let mounted = try MountedDocroot(docroot)
            #expect(try verify(mounted.mountPoint, "read") == .exited(0))
            let script = "printf X | dd of=\(docroot)/verified.0.1 bs=1 seek=1000000 conv=notrunc"
            try #require(ChildProcess.run(["bash", "-c", script]) == .exited(0))
            usleep(100_000)
            #expect(try verify(mounted.mountPoint, "read") == .exited(1))
        }
    }
}

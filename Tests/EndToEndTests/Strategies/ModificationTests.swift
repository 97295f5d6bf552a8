import CTestCalls
import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Nothing is ever changed through the mount, whoever asks for it, and however.
    @Suite(.timeLimit(.minutes(1)))
    struct ModificationTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", RandomBytes.make(26_400))
            try folder.write("docroot/other", "other")
            _ = try folder.makeFolder("docroot/folder")
            symlink("file", "\(docroot)/link")
        }

        /// All facts but the times of access, which reading moves.
        private func facts() throws -> [FileFacts] {
            try ["", "/file", "/other", "/folder", "/link"].map { name in
                var facts = try FileFacts.of(Array("\(docroot)\(name)".utf8)).facts
                facts.times.removeFirst(2)
                return facts
            }
        }

        private struct Call {
            var name: String
            var failure: CInt
        }

        /// Makes every call that would change something by a path.
        private func modify(_ mount: String) -> [Call] {
            let (file, other, new, sub) = ("\(mount)/file", "\(mount)/other", "\(mount)/new", "\(mount)/folder")
            let (link, long) = ("\(mount)/link", "\(mount)/\(String(repeating: "n", count: 255))")
            var calls: [Call] = []
            func call(_ name: String, _ body: () -> some BinaryInteger) {
                calls.append(Call(name: name, failure: EndToEndTests.failure(body)))
            }
            func raw(_ name: String, _ result: Int) { calls.append(Call(name: name, failure: CInt(-result))) }
            call("create") { open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
            call("create, longest name") { open(long, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
            call("creat") { creat(new, 0o600) }
            call("truncating open") { open(file, O_RDONLY | O_TRUNC | O_CLOEXEC) }
            call("truncating open to write") { open(file, O_WRONLY | O_TRUNC | O_CLOEXEC) }
            call("mkdir") { mkdir(new, 0o700) }
            call("rmdir") { rmdir(sub) }
            call("unlink") { unlink(file) }
            call("unlink of a link") { unlink(link) }
            call("rename") { rename(file, new) }
            call("rename over") { rename(file, other) }
            call("rename of a folder") { rename(sub, new) }
            raw("exchange", test_rename(file, other, UInt32(RENAME_EXCHANGE)))
            raw("rename without replacing", test_rename(file, new, UInt32(RENAME_NOREPLACE)))
            call("link") { Glibc.link(file, new) }
            call("symlink") { symlink("file", new) }
            call("mkfifo") { mkfifo(new, 0o600) }
            call("mknod of a file") { mknod(new, S_IFREG | 0o600, 0) }
            if Capability.isRoot { call("mknod") { mknod(new, S_IFCHR | 0o600, 259) } }
            call("chmod") { chmod(file, 0o600) }
            call("chmod of the root") { chmod(mount, 0o700) }
            call("chown") { chown(file, getuid(), getgid()) }
            call("lchown") { lchown(link, getuid(), getgid()) }
            var times = [timespec(tv_sec: 1, tv_nsec: 2), timespec(tv_sec: 3, tv_nsec: 4)]
            call("utimensat") { utimensat(AT_FDCWD, file, &times, 0) }
            call("utimensat, now") { utimensat(AT_FDCWD, sub, nil, 0) }
            call("truncate") { truncate(file, 1) }
            call("truncate to more") { truncate(file, 100_000) }
            call("setxattr") { setxattr(file, "user.test", "x", 1, 0) }
            call("removexattr") { removexattr(file, "user.test") }
            return calls
        }

        /// Opens to write, and where that works, by a kernel that does not ask, makes every call that needs it.
        private func write(_ mount: String) throws -> [Call] {
            let number = open("\(mount)/file", O_RDWR | O_CLOEXEC)
            guard number >= 0 else { return [Call(name: "open", failure: errno)] }
            let file = OwnedDescriptor(adopting: number)
            let source = try Files.open("\(mount)/other", flags: O_RDONLY)
            var calls: [Call] = []
            func call(_ name: String, _ body: () -> some BinaryInteger) {
                calls.append(Call(name: name, failure: EndToEndTests.failure(body)))
            }
            var bytes = [UInt8](repeating: 0x58, count: 8192)
            call("write") { Glibc.write(number, &bytes, bytes.count) }
            call("pwrite") { pwrite(number, &bytes, 10, 4000) }
            call("pwrite behind the end") { pwrite(number, &bytes, 10, 1 << 20) }
            call("ftruncate") { ftruncate(number, 1) }
            call("fchmod") { fchmod(number, 0o600) }
            calls.append(Call(name: "fallocate", failure: CInt(-test_fallocate(number, 0, 100_000))))
            calls.append(
                Call(name: "copy_file_range", failure: CInt(-test_copy_file_range(source.rawValue, number, 5))))
            withExtendedLifetime(file) {}
            return calls
        }

        private func expectRefused(_ calls: [Call]) {
            for call in calls { #expect(call.failure == EROFS, "\(call.name)") }
        }

        @Test(arguments: Combination.sample)
        func everyModifyingCallGivesEROFS(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options)
            let before = try facts()
            let names = try list(Array(docroot.utf8))
            let mount = mounted.mountPoint

            expectRefused(modify(mount))
            // Without a descriptor to write there is no write, ftruncate or fallocate.
            for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_APPEND] {
                #expect(failure { open("\(mount)/file", flags | O_CLOEXEC) } == EROFS)
            }
            #expect(failure { access("\(mount)/file", W_OK) } == EROFS)
            #expect(failure { access(mount, W_OK) } == EROFS)
            let reading = try Files.open("\(mount)/file", flags: O_RDONLY)
            #expect(failure { fchmod(reading.rawValue, 0o600) } == EROFS)
            #expect(failure { fsetxattr(reading.rawValue, "user.test", "x", 1, 0) } == EROFS)

            if Capability.isRoot {
                // Now the kernel asks, and it is serverfs that refuses.
                let remount = ["mount", "-i", "-o", "remount,rw", mount]
                try #require(ChildProcess.run(remount) == .exited(0))
                try #require(ProcessFacts.mountOptions(mount).contains("rw"))
                let modifications = try mounted.server.metrics().fuseRequests("modification")
                expectRefused(modify(mount))
                expectRefused(try write(mount))
                #expect(try mounted.server.metrics().fuseRequests("modification") > modifications + 15)
                #expect(try readFile(Array("\(mount)/file".utf8)) == RandomBytes.make(26_400))
            }
            #expect(try facts() == before)
            #expect(try list(Array(docroot.utf8)) == names)
            #expect(try readFile(Array("\(docroot)/file".utf8)) == RandomBytes.make(26_400))
            #expect(mounted.server.stop() == .exited(0))
        }
    }
}

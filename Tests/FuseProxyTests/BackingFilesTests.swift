import Glibc
import Platform
import Synchronization
import Testing

@testable import FuseProxy

/// Passthrough: the kernel refuses a second open of an inode with another backing id. On a real mount.
@Suite(
    .timeLimit(.minutes(1)),
    .enabled(if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0, "passthrough needs /dev/fuse and root"))
struct BackingFilesTests {
    private func makeProxy() throws -> MountedProxy {
        let proxy = try MountedProxy {
            $0.open = .passthrough
            $0.cache = .timeout(seconds: 1)
        }
        try #require(proxy.session.unavailableChoice == nil)
        return proxy
    }

    private func inode(_ index: UInt32) -> InodeNumber { InodeNumber(index: index, generation: 0) }

    @Test func allOpensOfOneInodeShareOneBackingID() throws {
        let proxy = try makeProxy()
        let channel = proxy.session.transport.sessionDescriptor
        func file(_ name: String) throws -> SharedDescriptor {
            SharedDescriptor(try Files.open("\(proxy.docroot)/\(name)", flags: O_RDONLY))
        }
        let files = BackingFiles()
        #expect(files.openAgain(inode(1)) == nil)
        let first = try files.open(inode(1), file("a"), channel: channel)
        #expect(try files.open(inode(1), file("a"), channel: channel) == first)
        #expect(files.openAgain(inode(1)) == first)
        #expect(try files.open(inode(2), file("b"), channel: channel) != first)
        #expect(files.count == 2)
        // It is given back with the last of its three opens.
        for _ in 1...2 {
            files.release(inode(1), channel: channel)
            #expect(files.count == 2)
        }
        files.release(inode(1), channel: channel)
        #expect(files.count == 1)
        #expect(files.openAgain(inode(1)) == nil)
        files.release(inode(2), channel: channel)
        #expect(files.count == 0)
    }

    @Test func aFileMayBeOpenAsOftenAsOneLikesByAllItsNames() throws {
        let proxy = try makeProxy()
        link("\(proxy.docroot)/a", "\(proxy.docroot)/hard")
        var opened: [OpenedFile] = []
        for name in ["a", "a", "hard", "a", "b"] {
            let file = try proxy.open(name).get()
            var bytes: [UInt8] = [0, 0, 0, 0]
            #expect(pread(file.descriptor, &bytes, 4, 0) == 4)
            #expect(bytes == Array("text".utf8))
            opened.append(file)
        }
        #expect(proxy.session.operations.files.backing.count == 2)
        opened = []
        // RELEASE is told after the close.
        #expect(becomesTrue { proxy.session.operations.files.backing.count == 0 })
    }

    /// One thread's last close comes between another's look and its open.
    @Test func opensAndClosesSideBySideAllSucceed() throws {
        let proxy = try makeProxy()
        let failures = Atomic(0)
        try withExtendedLifetime(proxy) {
            let threads = try (0..<4).map { _ in
                try NamedThread("opener") {
                    for _ in 1...300 {
                        if case .failure = proxy.open("a") { failures.add(1, ordering: .relaxed) }
                    }
                }
            }
            for thread in threads { thread.join() }
        }
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(becomesTrue { proxy.session.operations.files.backing.count == 0 })
    }

    private func becomesTrue(_ condition: () -> Bool) -> Bool {
        for _ in 1...500 where !condition() { usleep(10_000) }
        return condition()
    }
}

import Glibc
import Platform
import Testing

@testable import FuseProxy

/// A FUSE thread that enters its own mount, which the rest of the code makes sure does not happen: it is refused before it
/// can wait for itself. On a real mount.
@Suite(
    .timeLimit(.minutes(1)),
    .enabled(
        if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0, "mounting needs /dev/fuse, and here also root"))
struct DeadlockTests {
    /// Runs `body` on a thread that is taken for a FUSE thread while it runs.
    private func onFuseThread(_ body: @escaping @Sendable () -> Void) throws {
        try NamedThread("fuse-test") {
            FuseThreads.enter()
            body()
            FuseThreads.leave()
        }
        .join()
    }

    private func error(_ result: Result<OpenedFile, Errno>) -> Errno? {
        if case .failure(let error) = result { error } else { nil }
    }

    @Test func aFuseThreadInItsOwnMountIsRefusedAtOnceAndCounted() throws {
        let proxy = try MountedProxy()
        #expect(error(proxy.open("a")) == nil)
        #expect(proxy.session.measurements.fuse[.deadlocksAvoided] == 0)
        try onFuseThread { [self] in
            #expect(error(proxy.open("b")) == Errno(rawValue: EDEADLK))
        }
        #expect(proxy.session.measurements.fuse[.deadlocksAvoided] == 1)
        #expect(error(proxy.open("b")) == nil)
        #expect(proxy.session.measurements.fuse[.deadlocksAvoided] == 1)
    }

    /// It reads a file that another thread has opened, as it might by a descriptor that was passed on; and its closing the
    /// file, which nobody waits for, is obeyed.
    @Test func readsAreRefusedAndReleasesAreNot() throws {
        let proxy = try MountedProxy()
        let file = try proxy.open("c").get()
        let descriptor = file.descriptor
        try onFuseThread {
            var byte: UInt8 = 0
            #expect(pread(descriptor, &byte, 1, 0) == -1)
            #expect(errno == EDEADLK)
        }
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, 0) == 1)
        withExtendedLifetime(file) {}
    }

    @Test(arguments: [2, 18, 26, 29, 36, 38, 42] as [UInt32])
    func whatNobodyWaitsForIsObeyed(_ opcode: UInt32) throws {
        try onFuseThread {
            #expect(FuseThreads.refusal(of: self.request(opcode))?.unique == nil)
            #expect(FuseThreads.refusal(of: self.request(1))?.unique == 77)
            #expect(FuseThreads.refusal(of: self.request(1, count: 39))?.unique == nil)
            #expect(FuseThreads.refusal(of: self.request(1, caller: 0))?.unique == nil)
            #expect(FuseThreads.refusal(of: self.request(1, caller: 1))?.unique == nil)
        }
        #expect(FuseThreads.refusal(of: request(1))?.unique == nil)
    }

    /// A request's header; the caller is the calling thread. It is not freed: this is a test.
    private func request(
        _ opcode: UInt32, caller: Int32 = NamedThread.currentID, count: Int = 40
    ) -> UnsafeRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 40, alignment: 8)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        bytes.storeBytes(of: opcode, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: 77, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: caller, toByteOffset: 32, as: Int32.self)
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<count])
    }
}

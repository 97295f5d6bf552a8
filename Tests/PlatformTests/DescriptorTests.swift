import Glibc
import Platform
import Testing

@Suite struct DescriptorTests {
    @Test func anOwnedDescriptorIsClosedWithItsOwnerAndNotBefore() throws {
        // Nobody else opens it.
        let folder = try TemporaryFolder()
        let path = try Files.canonicalPath(folder.path)
        let number: CInt
        do {
            let descriptor = try Files.open(path, flags: O_RDONLY | O_DIRECTORY)
            number = descriptor.rawValue
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
            descriptor.close()
        }
        // Others may have taken the number meanwhile, but for something else.
        var target = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/self/fd/\(number)", &target, 255)
        #expect(count < 0 || target.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } != path)
        withExtendedLifetime(folder) {}
    }

    @Test func aReleasedDescriptorStaysOpen() throws {
        let number = try Files.open("/dev/null", flags: O_RDONLY).release()
        #expect(fcntl(number, F_GETFD) >= 0)
        close(number)
    }

    @Test func aSharedDescriptorLivesAsLongAsOneHolder() throws {
        var first: SharedDescriptor? = SharedDescriptor(try Files.open("/proc/self/stat", flags: O_RDONLY))
        let held = first
        let second = try #require(held)
        first = nil
        #expect(fcntl(second.rawValue, F_GETFD) >= 0)
    }

    @Test func openBeneathRefusesEveryWayOut() throws {
        let folder = try TemporaryFolder()
        symlink("/etc/passwd", folder.path + "/absolute")
        symlink("../../etc/passwd", folder.path + "/relative")
        let root = try Files.open(folder.path, flags: O_RDONLY | O_DIRECTORY)
        for path in ["..", "absolute", "relative", "/etc/passwd", "a/../../x"] {
            #expect(throws: (any Error).self) {
                _ = try Files.openBeneath(root.rawValue, path, flags: O_RDONLY, resolution: .beneath)
            }
        }
        #expect(throws: Errno.improperLink) {
            _ = try Files.openBeneath(root.rawValue, "absolute", flags: O_RDONLY, resolution: .beneath)
        }
    }

    @Test func errorsAreTheCallsOwn() throws {
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try Files.open("/nonexistent", flags: O_RDONLY) }
        #expect(throws: Errno.notDirectory) { _ = try Files.open("/etc/passwd", flags: O_RDONLY | O_DIRECTORY) }
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try Files.canonicalPath("/nonexistent/x") }
    }
}

/// A new folder that is removed, with what is in it one level deep, at the end.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/serverfs-test-XXXXXX\0".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { unlink(path + "/" + name) }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

import Glibc
import Platform
import Testing

@testable import HTTPServer

@Suite struct MountLossTests {
    private func makeRoot() throws -> MountRoot {
        MountRoot(descriptor: SharedDescriptor(try Files.open("/", flags: Files.pathOnly)), device: 1)
    }

    private func isReadable(_ loss: MountLoss) -> Bool {
        var wait = pollfd(fd: loss.rawDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, 0) == 1
    }

    @Test func thePresentMountsLossIsTold() throws {
        let root = try makeRoot()
        let loss = try MountLoss(root)
        #expect(!isReadable(loss))
        loss.report(root.serial)
        #expect(isReadable(loss))
        #expect(loss.takeReport())
        #expect(!isReadable(loss))
    }

    /// A loop that has been busy finds the mount before to be gone when another is in its place, of the same device number.
    @Test func anOlderMountsLossIsNone() throws {
        let (first, second) = try (makeRoot(), makeRoot())
        let loss = try MountLoss(first)
        loss.expect(second)
        loss.report(first.serial)
        #expect(!loss.takeReport())
        loss.report(second.serial)
        loss.report(first.serial)
        #expect(loss.takeReport())
    }

    @Test func whereThereIsNoMountNoneIsLost() throws {
        let root = try makeRoot()
        let loss = try MountLoss(root)
        loss.expect(nil)
        loss.report(root.serial)
        #expect(!loss.takeReport())
    }
}

import Glibc
import Platform
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import HTTPServer

/// A file that may not be opened, says the kernel, while it is being told of a change: it may have checked the permissions of an
/// inode of which it knew none.
@Suite(.enabled(if: Capability.isRoot, "only root may refuse opens"))
struct OvertakenRefusalTests {
    private let measurements = Measurements()

    /// What comes of looking for a file, and how often it is tried to open it.
    private func find(
        in servingPath: ServingPath = .mount, refusing refuses: @escaping @Sendable (_ number: Int) -> Bool
    ) throws -> (error: Errno?, opens: Int) {
        let refusing = try RefusingFolder(refuses)
        try writeUnopened("file", in: refusing)
        let before = refusing.opens
        let tree = FileTree(
            root: SharedDescriptor(try Files.open(refusing.folder.path, flags: Files.pathOnly)),
            servingPath: servingPath, excludedDevice: nil, sender: .sendfile, keepsPages: false,
            budgets: FileBudgets(), openFileCacheCapacity: 0, closer: nil, measurements: measurements)
        let thread = LoopThread(RequestMeter(measurements, threadName: "test", samplesAll: false))
        let found = "file".withCString { name in
            tree.find(
                UnsafeRawBufferPointer(start: name, count: 4), folderLength: nil, hash: 1, turn: 1, tick: 1, on: thread)
        }
        let opens = refusing.opens - before
        switch found {
        case .file(let file, _):
            #expect(file.size == 5)
            return (nil, opens)
        case .failure(let error): return (error, opens)
        default: return (.invalidArgument, opens)
        }
    }

    /// A link to a file made elsewhere: nobody is asked about that.
    private func writeUnopened(_ name: String, in refusing: RefusingFolder) throws {
        let elsewhere = try PrivateFolder()
        let file = try elsewhere.write(name, "bytes")
        try #require(link(file, "\(refusing.folder.path)/\(name)") == 0)
    }

    private func tellOfAChange() { measurements.changesTold.add(2, ordering: .sequentiallyConsistent) }

    @Test func itIsAskedAgainWhereTheKernelWasToldMeanwhile() throws {
        // Without that, the second would be the one without O_NOATIME, and the last.
        let (error, opens) = try find { number in
            if number <= 2 { tellOfAChange() }
            return number <= 2
        }
        #expect(error == nil)
        #expect(opens == 3)
    }

    @Test func andWhereItIsJustBeingTold() throws {
        measurements.changesTold.add(1, ordering: .sequentiallyConsistent)
        let (error, opens) = try find { number in number <= 3 }
        #expect(error == nil)
        #expect(opens == 4)
    }

    /// With O_NOATIME, and without.
    @Test func elseItIsRefused() throws {
        let (error, opens) = try find { _ in true }
        #expect(error == .notPermitted)
        #expect(opens == 2)
    }

    @Test func theDocrootsOwnRefusalIsOne() throws {
        let (error, opens) = try find(in: .bypass) { _ in
            tellOfAChange()
            return true
        }
        #expect(error == .notPermitted)
        #expect(opens == 2)
    }

    /// Somebody changes files all the time, and this one nobody may read.
    @Test func itIsNotAskedForEver() throws {
        let (error, opens) = try find { _ in
            tellOfAChange()
            return true
        }
        #expect(error == .notPermitted)
        #expect(opens == 2 * (Limits.staleRetriesMax + 1))
    }
}

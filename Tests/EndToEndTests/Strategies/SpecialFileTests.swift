import Glibc
import Platform
import Testing

extension EndToEnd {
    /// FIFOs, sockets and devices: shown as what they are, and nobody's way to make the daemon wait.
    @Suite(.timeLimit(.minutes(1)), .enabled(if: Capability.isRoot, "mknod of devices needs root"))
    struct SpecialFileTests {
        private let folder: PrivateFolder
        private let docroot: String

        private static let names = ["fifo", "socket", "null", "console", "disk"]

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            try folder.write("docroot/file", RandomBytes.make(26_400))
            func device(_ major: UInt32, _ minor: UInt32) -> dev_t {
                dev_t(Files.deviceNumber(major: major, minor: minor))
            }
            mkfifo("\(docroot)/fifo", 0o666)
            mknod("\(docroot)/socket", S_IFSOCK | 0o666, 0)
            mknod("\(docroot)/null", S_IFCHR | 0o666, device(1, 3))
            mknod("\(docroot)/console", S_IFCHR | 0o666, device(5, 1))
            mknod("\(docroot)/disk", S_IFBLK | 0o666, device(7, 250))
        }

        @Test(arguments: Combination.ofEachOpen)
        func aSpecialFileIsShownAndNeverOpened(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options)
            let opens = try OpenWatch(Self.names.map { "\(docroot)/\($0)" })
            for name in Self.names {
                let path = "\(mounted.mountPoint)/\(name)"
                let facts = try FileFacts.of(Array(path.utf8)).facts
                #expect(try facts == FileFacts.of(Array("\(docroot)/\(name)".utf8)).facts)
                // The kernel's answers: nobody is at the other end of the FIFO, and the mount is nodev.
                #expect(open(path, O_WRONLY | O_NONBLOCK) == -1)
                let isFIFO = name == "fifo"
                #expect(errno == (isFIFO || name == "socket" ? ENXIO : EACCES), "\(name)")
                let reading = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                #expect((reading >= 0) == isFIFO)
                if reading >= 0 { close(reading) }
            }
            #expect(Set(try list(Array(mounted.mountPoint.utf8)).map(\.type)) == [1, 2, 6, 8, 12])
            #expect(opens.count == 0)

            // One that waits for a FIFO's other end waits alone.
            let reader = try ChildProcess(["cat", "\(mounted.mountPoint)/fifo"], in: folder)
            let writer = try ChildProcess(["bash", "-c", "exec sleep 5 >\(docroot)/fifo"], in: folder)
            usleep(50_000)
            #expect(reader.wait(seconds: 0) == nil)
            let content = try readFile(Array("\(mounted.mountPoint)/file".utf8))
            #expect(content == RandomBytes.make(26_400))
            _ = try list(Array(mounted.mountPoint.utf8))
            for child in [reader, writer] {
                child.signal(SIGTERM)
                #expect(child.wait(seconds: 5) == .signaled(SIGTERM))
            }
            // The control: an open of the docroot's own file is seen.
            let before = opens.count
            close(open("\(docroot)/null", O_RDONLY | O_CLOEXEC))
            #expect(opens.count > before)
            #expect(mounted.server.stop() == .exited(0))
        }

        /// A file that was looked up as such and has become a FIFO since.
        @Test(arguments: Combination.ofEachOpen)
        func aFileThatBecomesAFIFOHoldsNobodyUp(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options)
            let path = "\(mounted.mountPoint)/changing"
            for round in 0..<20 {
                try folder.write("docroot/changing", "a file")
                _ = access(path, R_OK)
                unlink("\(docroot)/changing")
                mkfifo("\(docroot)/changing", 0o666)
                // What it is taken for depends on what the kernel has been told by now; that there is an answer does not.
                let number = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                var bytes = [UInt8](repeating: 0, count: 10)
                if number >= 0 { _ = read(number, &bytes, bytes.count) }
                close(number)
                unlink("\(docroot)/changing")
                #expect(access("\(mounted.mountPoint)/file", R_OK) == 0, "round \(round)")
            }
            #expect(mounted.server.stop() == .exited(0))
        }
    }
}

/// Counts how often files are opened, by anybody (`inotify(7)`); naming one with O_PATH is not opening it.
private final class OpenWatch {
    private let descriptor: OwnedDescriptor
    private var seen = 0

    init(_ paths: [String]) throws(Errno) {
        let number = inotify_init()
        guard number >= 0 else { throw Errno(rawValue: errno) }
        descriptor = OwnedDescriptor(adopting: number)
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        for path in paths {
            guard inotify_add_watch(number, path, UInt32(IN_OPEN)) >= 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Opens so far. An event of a watched file, which is no folder, has no name: all are of one size.
    var count: Int {
        var events = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor.rawValue, &events, events.count)
        if count > 0 { seen += count / MemoryLayout<inotify_event>.size }
        return seen
    }
}

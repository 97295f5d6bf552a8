import Glibc
import Platform
import Testing

@testable import FuseProxy

/// Both ways to learn of changes, on real folders.
@Suite struct WatchTests {
    private let folder: ScratchFolder
    private let docroot: Docroot
    private let known = InodeNumber(index: 7, generation: 0)

    init() throws {
        folder = try ScratchFolder()
        folder.makeDirectory("/known")
        folder.makeDirectory("/unknown")
        docroot = try Docroot(path: folder.path)
    }

    enum Way: CaseIterable { case fanotify, inotify }

    private func makeWatch(_ way: Way) throws -> DocrootWatch {
        switch way {
        case .fanotify: .fanotify(try FanotifyWatch(docroot: docroot.rawDescriptor))
        case .inotify: .inotify(try InotifyWatch(), fanotifyFailure: .notPermitted)
        }
    }

    /// What the watch tells within a tenth of a second.
    private func changes(_ watch: DocrootWatch) -> Set<Change> {
        var found: Set<Change> = []
        var descriptor = pollfd(fd: watch.rawDescriptor, events: Int16(POLLIN), revents: 0)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
        defer { buffer.deallocate() }
        while poll(&descriptor, 1, 100) == 1 {
            let count = Glibc.read(watch.rawDescriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { break }
            found.formUnion(watch.changes(in: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
        }
        return found
    }

    private func cover(_ watch: DocrootWatch, _ path: String) throws {
        let opened = try Files.open(folder.path + path, flags: Files.pathOnly | O_DIRECTORY)
        #expect(watch.cover(known, opened.rawValue))
    }

    @Test(.enabled(if: geteuid() == 0, "fanotify needs root"), arguments: Way.allCases)
    func tellsEveryKindOfChangeInAKnownFolder(_ way: Way) throws {
        let watch = try makeWatch(way)
        try cover(watch, "/known")
        #expect(watch.covers(known))
        func expectChange(_ text: String, _ body: () -> Void) {
            body()
            #expect(changes(watch).contains(.name(known, name(text))), "\(text)")
        }
        expectChange("new") { folder.write("1", to: "/known/new") }
        expectChange("new") { folder.write("22", to: "/known/new") }
        expectChange("new") { chmod(folder.path + "/known/new", 0o600) }
        expectChange("new") { folder.rename("/known/new", to: "/known/moved") }
        expectChange("moved") { folder.remove("/known/moved") }
        expectChange("link") { folder.link("x", at: "/known/link") }
        expectChange("sub") { folder.makeDirectory("/known/sub") }
        expectChange("a b\n\u{e9}") { folder.write("", to: "/known/a b\n\u{e9}") }
        chmod(folder.path + "/known", 0o700)
        #expect(changes(watch).contains(.directory(known)))
    }

    @Test(.enabled(if: geteuid() == 0, "fanotify needs root"), arguments: Way.allCases)
    func tellsNoNameOfAFolderThatIsNotKnownOrForgotten(_ way: Way) throws {
        let watch = try makeWatch(way)
        try cover(watch, "/known")
        folder.write("1", to: "/unknown/file")
        func names() -> [Change] {
            changes(watch).filter { if case .name = $0 { true } else { false } }
        }
        #expect(names().isEmpty)
        watch.forget([known])
        #expect(!watch.covers(known))
        folder.write("1", to: "/known/file")
        #expect(names().isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "fanotify needs root"))
    func fanotifyTellsOfASecondNameOutsideByTheFilesHandle() throws {
        folder.write("1", to: "/known/file")
        let watch = try makeWatch(.fanotify)
        try cover(watch, "/known")
        link(folder.path + "/known/file", folder.path + "/unknown/other")
        let file = try Files.open(folder.path + "/known/file", flags: Files.pathOnly)
        let identity = try InodeStatus(file.rawValue).identity
        let handles = changes(watch).compactMap { if case .file(let handle) = $0 { handle } else { nil } }
        let isTold = handles.contains { handle in
            guard let opened = try? handle.open(mount: docroot.rawDescriptor) else { return false }
            return (try? InodeStatus(opened.rawValue))?.identity == identity
        }
        #expect(isTold)
    }

    @Test func eventsThatAreCutOffAreNotReadBeyondTheirEnd() throws {
        let watch = try makeWatch(.inotify)
        let bytes = [UInt8](repeating: 0xff, count: 24)
        bytes.withUnsafeBytes { _ = watch.changes(in: $0) }
        #expect(bytes.withUnsafeBytes { watch.changes(in: UnsafeRawBufferPointer(rebasing: $0[..<7])) }.isEmpty)
    }
}

import Foundation
import Glibc
import Platform
import Testing

@testable import FuseProxy

/// The resolver on real folders, without a mount of its own.
@Suite struct ResolverTests {
    private let folder: ScratchFolder
    private let operations: ProxyOperations

    init() throws {
        folder = try ScratchFolder()
        var configuration = ProxyConfiguration()
        configuration.directoryDescriptorsMax = 4
        operations = try ProxyOperations(docroot: try Docroot(path: folder.path), configuration: configuration)
    }

    @Test func findsFilesBelowMoreFoldersThanItHoldsOpen() throws {
        var parent = InodeNumber.root
        var path = ""
        for depth in 0..<20 {
            path += "/d\(depth)"
            folder.makeDirectory(path)
            parent = try operations.lookup(parent: parent, name: name("d\(depth)")).inode
        }
        folder.write("deep", to: path + "/file")
        let file = try operations.lookup(parent: parent, name: name("file"))
        #expect(file.attributes.st_size == 4)
        let opened = try operations.open(file.inode, flags: O_RDONLY, channel: -1)
        #expect(readText(opened.handle) == "deep")
        operations.release(file.inode, handle: opened.handle, channel: -1)
    }

    @Test func aSymbolicLinkIsItselfAndNeverItsTarget() throws {
        folder.link("/etc/passwd", at: "/link")
        let link = try operations.lookup(parent: .root, name: name("link"))
        #expect(link.attributes.st_mode & S_IFMT == S_IFLNK)
        #expect(throws: (any Error).self) { try operations.open(link.inode, flags: O_RDONLY, channel: -1) }
    }

    @Test func aReplacedFileIsStaleUntilItIsLookedUpAgain() throws {
        folder.write("old", to: "/file")
        let old = try operations.lookup(parent: .root, name: name("file"))
        folder.write("new", to: "/other")
        folder.rename("/other", to: "/file")
        #expect(throws: Errno.staleNFSFileHandle) { try operations.open(old.inode, flags: O_RDONLY, channel: -1) }
        #expect(throws: Errno.staleNFSFileHandle) { try operations.attributes(old.inode) }
        let new = try operations.lookup(parent: .root, name: name("file"))
        #expect(new.inode != old.inode)
        let opened = try operations.open(new.inode, flags: O_RDONLY, channel: -1)
        #expect(readText(opened.handle) == "new")
        operations.release(new.inode, handle: opened.handle, channel: -1)
    }

    @Test func anOpenFileKeepsItsAttributesWhenItsNameIsGone() throws {
        folder.write("still here", to: "/file")
        let file = try operations.lookup(parent: .root, name: name("file"))
        let opened = try operations.open(file.inode, flags: O_RDONLY, channel: -1)
        folder.remove("/file")
        #expect(try operations.attributes(file.inode).attributes.st_size == 10)
        operations.release(file.inode, handle: opened.handle, channel: -1)
        #expect(throws: Errno.staleNFSFileHandle) { try operations.attributes(file.inode) }
    }

    @Test func aFileInAFolderThatWasReplacedIsNotTakenFromTheNewOne() throws {
        folder.makeDirectory("/a")
        folder.write("first", to: "/a/file")
        let a = try operations.lookup(parent: .root, name: name("a"))
        let file = try operations.lookup(parent: a.inode, name: name("file"))
        folder.rename("/a", to: "/b")
        folder.makeDirectory("/a")
        folder.write("second", to: "/a/file")
        // Either the file it was, by the folder that is still held open, or stale: never the other file's bytes.
        if let opened = try? operations.open(file.inode, flags: O_RDONLY, channel: -1) {
            #expect(readText(opened.handle) == "first")
            operations.release(file.inode, handle: opened.handle, channel: -1)
        }
    }

    @Test func writingIsRefused() throws {
        folder.write("x", to: "/file")
        let file = try operations.lookup(parent: .root, name: name("file"))
        for flags in [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC] {
            #expect(throws: Errno.readOnlyFileSystem) { try operations.open(file.inode, flags: flags, channel: -1) }
        }
    }

    @Test func pagesMayBeKeptOnlyWhileTheFileIsUnchanged() throws {
        folder.write("one", to: "/file")
        let file = try operations.lookup(parent: .root, name: name("file"))
        func open() throws -> Bool {
            let opened = try operations.open(file.inode, flags: O_RDONLY, channel: -1)
            operations.release(file.inode, handle: opened.handle, channel: -1)
            return opened.flags & OpenReply.keepCache != 0
        }
        #expect(try !open())
        // A change of this second may hide another one: nothing may be kept yet.
        #expect(try !open())
        sleep(4)
        #expect(try open())
        folder.write("two", to: "/file")
        #expect(try !open())
    }

    @Test func aFIFOInAFilesPlaceNeitherBlocksNorIsOpened() throws {
        folder.write("x", to: "/file")
        let file = try operations.lookup(parent: .root, name: name("file"))
        folder.remove("/file")
        mkfifo(folder.path + "/file", 0o600)
        #expect(throws: Errno.staleNFSFileHandle) { try operations.open(file.inode, flags: O_RDONLY, channel: -1) }
    }

    private func readText(_ handle: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            let count = (try? CopyReader.read(CInt(handle), into: buffer, at: 0)) ?? 0
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}

/// A new folder with a few ways to fill it; removed with everything in it.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/serverfs-test-XXXXXX\0".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func makeDirectory(_ relative: String) { mkdir(path + relative, 0o755) }

    func link(_ target: String, at relative: String) { symlink(target, path + relative) }

    func rename(_ from: String, to: String) { Glibc.rename(path + from, path + to) }

    func remove(_ relative: String) { unlink(path + relative) }

    func write(_ text: String, to relative: String) {
        let file = fopen(path + relative, "w")!
        fputs(text, file)
        fclose(file)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

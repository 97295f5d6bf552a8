import Glibc
import Testing

@testable import serverfs_bench

@Suite struct VisitTests {
    private let directory: TemporaryDirectory
    private var tree: NumberedTree

    init() throws {
        directory = try TemporaryDirectory()
        tree = try NumberedTree(path: directory.file("tree"))
    }

    @Test mutating func aTreeThatHasGrownIsLookedUpAndReadInFull() throws {
        defer { directory.remove() }
        try tree.grow(to: 3)
        try tree.grow(to: 1002)
        let lookups = try VisitCommand.visit(.lookups, tree.path, files: 1002)
        #expect(lookups.files == 1002)
        #expect(lookups.failures == 0)
        #expect(lookups.nanoseconds > 0)

        let contents = try VisitCommand.visit(.contents, tree.path, files: 0)
        #expect(contents.files == 1002)
        #expect(contents.bytes == 1002 * NumberedTree.fileName(0).utf8.count)
        #expect(contents.failures == 0)
    }

    @Test mutating func whatIsMissingOrWrongIsCounted() throws {
        defer { directory.remove() }
        try tree.grow(to: 5)
        let folder = "\(tree.path)/\(NumberedTree.folderName(0))"
        unsafe unlink("\(folder)/\(NumberedTree.fileName(4))")
        #expect(writeText("x", to: "\(folder)/\(NumberedTree.fileName(1))"))

        let lookups = try VisitCommand.visit(.lookups, tree.path, files: 5)
        #expect(lookups.files == 4)
        #expect(lookups.failures == 1)
        #expect(lookups.firstError == Int(ENOENT))

        let contents = try VisitCommand.visit(.contents, tree.path, files: 0)
        #expect(contents.files == 3)
        #expect(contents.failures == 1)
        #expect(contents.firstError == 0)
    }

    @Test mutating func theDigestOfAListingIsOfNamesAndOrder() throws {
        defer { directory.remove() }
        try tree.grow(to: 3)
        let folder = "\(tree.path)/\(NumberedTree.folderName(0))"
        let listing = try VisitCommand.visit(.listing, folder, files: 0)
        #expect(listing.files == 3)
        #expect(try VisitCommand.visit(.listing, folder, files: 0).digest == listing.digest)
        #expect(FolderVisit.digest(["a", "b"]) != FolderVisit.digest(["b", "a"]))
        #expect(FolderVisit.digest(["a", "b"]) != FolderVisit.digest(["ab"]))
        #expect(try VisitCommand.visit(.listing, "\(folder)/none", files: 0).failures == 1)
    }

    @Test mutating func nothingIsLeftOfATree() throws {
        try tree.grow(to: 3)
        unsafe symlink("/", "\(tree.path)/a-link-that-is-not-followed")
        directory.remove()
        var status = stat()
        let found = unsafe lstat(directory.path, &status)
        #expect(found != 0)
    }

    @Test func figuresTravelAsText() throws {
        defer { directory.remove() }
        var figures = VisitFigures()
        figures.files = 3
        figures.nanoseconds = 12_345
        figures.digest = -9
        figures.fail(EMFILE)
        figures.fail(ENOENT)
        #expect(VisitFigures(parsing: figures.text) == figures)
        #expect(figures.firstError == Int(EMFILE))
        #expect(VisitFigures(parsing: "") == nil)
        #expect(VisitFigures(parsing: "files three\n") == nil)
        #expect(VisitFigures(parsing: String(figures.text.dropLast("digest -9\n".count))) == nil)
    }
}

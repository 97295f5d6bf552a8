import Glibc
package import Platform

/// Makes a docroot of more than 20,000 files with everything that a file name, a size and a link can be.
package struct TreeGenerator {
    package let docroot: String
    /// Regular files by path, also through symbolic links that stay inside, but for the two large ones.
    package private(set) var files: [TreePath] = []
    /// What must be refused with 403: links that lead out, and what is not a file.
    package private(set) var forbidden: [TreePath] = []
    /// A link round in a circle, and links to nothing.
    package private(set) var broken: [TreePath] = []
    private var generator = SeededGenerator(seed: 2013)

    package static let large: TreePath = "large/100MB.bin"
    package static let sparse: TreePath = "large/5GiB.sparse"
    package static let largeBytes = 100 * 1000 * 1000
    package static let sparseBytes: Int64 = 5 << 30
    /// Where the sparse file has data: at its start, around 2 and 4 GiB, where 32-bit numbers end, and at its end.
    package static let islands: [Range<Int64>] = [
        0..<10_000, (1 << 31) - 5000..<(1 << 31) + 5000, (1 << 32) - 70_001..<(1 << 32) + 3,
        sparseBytes - 12_345..<sparseBytes,
    ]

    package init(docroot: String) { self.docroot = docroot }

    package mutating func make() throws(Errno) {
        try makeOddNames()
        try makeSizes()
        try makeMany()
        try makeDeep()
        try makeLinks()
        try makeLarge()
    }

    // MARK: - Names

    /// Names that somebody's code takes for something else.
    private static let oddNames: [TreePath] = [
        "a space", " leading and trailing ", "\"double\" and 'single' quotes", "percent%", "%41", "%2e%2e", "%2F",
        "%00",
        "what?", "?", "a?b=c&d", "#", "frag#ment", "back\\slash", "\\..\\..\\etc\\passwd", "semi;colon", "plus+plus",
        "new\nline", "carriage\rreturn", "tab\there", "escape\u{1b}[31m", "bell\u{7}", "delete\u{7f}", ".hidden",
        "..two",
        "...", "....", ". .", "-", "--version", "~", "$HOME", "`id`", "$(id)", "a|b", "a>b", "a<b>c", "a*b", "[a]",
        "{a}",
        "a:b", "C:", "a@b", "a=b", "a,b", "(a)", "a&b", "a!", "^", "nul.txt", "con", "index.htm", "INDEX.HTML",
        "a.tar.gz",
        "überraschung", "日本語", "🦜.txt", "e\u{301}", "é", "\u{feff}bom", "\u{202e}gnp.exe", "ﬁ",
    ]

    private mutating func makeOddNames() throws(Errno) {
        try makeFolder("odd")
        var names = Self.oddNames
        names += [
            [0xff], [0xfe, 0xff], [0xc0, 0xae, 0xc0, 0xae], [0xed, 0xa0, 0x80], [0x80, 0x2e], [0x01], [0x41, 0xc3],
        ]
        .map { TreePath($0) }
        names.append(TreePath(String(repeating: "n", count: 255)))
        names.append(TreePath(String(repeating: "ü", count: 127)))
        names.append(TreePath([UInt8](repeating: 0x25, count: 255)))
        for name in names {
            try makeFile("odd" / name, bytes: 1 + random(3000))
            let folder: TreePath = "odd" / TreePath(name.bytes.prefix(250) + Array(".dir".utf8))
            try makeFolder(folder)
            try makeFile(folder / name, bytes: random(300))
        }
    }

    // MARK: - Sizes and shapes

    private mutating func makeSizes() throws(Errno) {
        try makeFolder("sizes")
        let sizes = [
            0, 1, 2, 511, 512, 4095, 4096, 4097, 8191, 16_384, 26_000, 26_400, 65_535, 65_536, 65_537, 131_072, 262_143,
            262_144, 262_145, 1 << 20, (1 << 20) + 1,
        ]
        for size in sizes { try makeFile("sizes" / TreePath("\(size).bin"), bytes: size) }
        for index in 0..<50 { try makeFile("sizes" / TreePath("empty-\(index).txt"), bytes: 0) }
    }

    /// 20,480 files in 160 folders.
    private mutating func makeMany() throws(Errno) {
        try makeFolder("many")
        for folder in 0..<160 {
            let folder: TreePath = "many" / TreePath("\(folder)")
            try makeFolder(folder)
            for file in 0..<128 { try makeFile(folder / TreePath("file \(file).txt"), bytes: random(2000)) }
        }
    }

    /// A file at the bottom of 60 folders, and one on each way down.
    private mutating func makeDeep() throws(Errno) {
        var folder: TreePath = "deep"
        try makeFolder(folder)
        for level in 1...60 {
            folder = folder / TreePath("level \(level)")
            try makeFolder(folder)
            try makeFile(folder / "file", bytes: random(500))
        }
    }

    private mutating func makeLinks() throws(Errno) {
        try makeFolder("links")
        try makeFolder("links/folder")
        try makeFile("links/folder/file", bytes: 777)
        try makeLink("links/to-file", to: "folder/file")
        try makeLink("links/up-and-down", to: "../sizes/26000.bin")
        try makeLink("links/to-link", to: "to-file")
        try makeLink("links/to-folder", to: "../many/7")
        try makeLink("links/folder/to-parent", to: "..")
        files += ["links/to-file", "links/up-and-down", "links/to-link", "links/to-folder/file 3.txt"]
        files.append("links/folder/to-parent/folder/to-parent/folder/file")
        try withErrno(link("\(docroot)/sizes/26000.bin", "\(docroot)/links/hard"))
        try withErrno(link("\(docroot)/sizes/26000.bin", "\(docroot)/links/folder/hard too"))
        files += ["links/hard", "links/folder/hard too"]

        try makeLink("links/absolute", to: "/etc/passwd")
        try makeLink("links/out", to: "../../../../../../../../etc/passwd")
        try makeLink("links/just-out", to: "../../secret")
        try makeLink("links/folder-out", to: "/etc")
        try makeLink("links/round-trip", to: "../../docroot/sizes/1.bin")
        try makeLink("links/to-absolute", to: "absolute")
        try makeLink("links/proc", to: "/proc/self/root/etc/passwd")
        try withErrno(mkfifo("\(docroot)/links/fifo", 0o644))
        try makeLink("links/to-fifo", to: "fifo")
        try makeLink("links/loop", to: "loop")
        forbidden = ["absolute", "out", "just-out", "folder-out/passwd", "round-trip", "to-absolute", "proc"]
            .map { "links" / TreePath($0) }
        forbidden += ["links/fifo", "links/to-fifo", "links/loop"]
        try makeLink("links/dangling", to: "nowhere")
        broken = ["links/dangling", "links/missing", "links/to-file/below"]
    }

    private mutating func makeLarge() throws(Errno) {
        try makeFolder("large")
        try writeFile(Self.large.absolute(in: docroot), RandomBytes.make(Self.largeBytes))
        let file = try withPath(Self.sparse.absolute(in: docroot)) { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        defer { close(file) }
        try withErrno(ftruncate(file, off_t(Self.sparseBytes)))
        for island in Self.islands {
            lseek(file, off_t(island.lowerBound), SEEK_SET)
            try writeAll(file, RandomBytes.make(island.count, from: Int(island.lowerBound % 1_000_003)))
        }
    }

    // MARK: - Parts

    private mutating func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    private mutating func makeFile(_ path: TreePath, bytes: Int) throws(Errno) {
        try writeFile(path.absolute(in: docroot), RandomBytes.make(bytes, from: random(1_000_000)))
        files.append(path)
    }

    private func makeFolder(_ path: TreePath) throws(Errno) {
        try withPath(path.absolute(in: docroot)) { mkdir($0, 0o755) }
    }

    private func makeLink(_ path: TreePath, to target: String) throws(Errno) {
        try withPath(path.absolute(in: docroot)) { symlink(target, $0) }
    }

    private func withErrno(_ result: CInt) throws(Errno) {
        if result != 0 { throw Errno(rawValue: errno) }
    }
}

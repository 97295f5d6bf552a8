import Glibc
import Platform

/// What a name in the changing tree stands for; a file is in the history by its number as well, for whoever has it open when
/// it is renamed or deleted sees what becomes of it.
enum NodeState: Sendable {
    case missing
    /// One with that number, in which it keeps its names when it is renamed.
    case folder(Int)
    case file(FileState)
    case link(target: String)

    var isMissing: Bool {
        if case .missing = self { return true }
        return false
    }
}

/// A file, as it may be seen: while it is being written it has one of two versions, or one of many sizes.
struct FileState: Sendable, CustomStringConvertible {
    var file: UInt32
    var versions: Set<UInt32>
    var sizes: ClosedRange<Int>
    var mode: mode_t

    /// The name of file number `file` in the history.
    static func key(_ file: UInt32) -> String { "#\(file)" }

    var size: Int { sizes.upperBound }

    var description: String { "file \(file), versions \(versions.sorted()), \(sizes) bytes, mode \(mode)" }
}

/// A docroot's tree in which some thread changes one thing after the other at random, all of it noted in a history. Each
/// changer has folders of its own.
struct ChangingTree: Sendable {
    static let changers = 2
    /// Names of folders, of which a third does not exist at a time, so that there is room to rename.
    static let folders = (0..<12).map { "folder-\($0)" }
    static let fileNames = (0..<12).map { "file-\($0)" }
    static let links = (0..<6).map { "link-\($0)" }

    let docroot: String
    /// Of folders and links by name, of what is in a folder by the folder's number and name, and of files by number.
    let history = History<NodeState>()

    /// The name in the history of what is called `name` in a folder.
    static func key(_ name: Substring, inFolder number: Int) -> String { "@\(number)/\(name)" }

    /// All names that may be asked for.
    static let files = folders.flatMap { folder in fileNames.map { "\(folder)/\($0)" } }

    init(docroot: String) {
        self.docroot = docroot
        for name in Self.folders + Self.links { history.begin(name, .missing) }
    }
}

/// One of those who change the tree. One thread at a time.
final class TreeChanger: @unchecked Sendable {
    private let tree: ChangingTree
    private let number: Int
    private var generator: SeededGenerator
    private var present: [String: NodeState] = [:]
    private var lastFile: UInt32
    private(set) var changes = 0

    private static let page = 4096
    private static let fileBytesMax = 40_000

    init(_ tree: ChangingTree, number: Int) {
        self.tree = tree
        self.number = number
        generator = SeededGenerator(seed: UInt64(number) + 77)
        lastFile = UInt32(number) << 24
    }

    /// Makes its folders, its links, and half of its files.
    func prepare() throws {
        let folders = own(ChangingTree.folders)
        for folder in folders.prefix(folders.count * 2 / 3) {
            let folderNumber = number * 100 + present.count
            for name in ChangingTree.fileNames {
                tree.history.begin(ChangingTree.key(name[...], inFolder: folderNumber), .missing)
            }
            try change([folder: .folder(folderNumber)]) { path in check(mkdir(path(folder), 0o755)) }
        }
        for link in own(ChangingTree.links) { try retarget(link) }
        for _ in 0..<(folders.count * ChangingTree.fileNames.count) { try create(randomFile()) }
    }

    /// Changes something.
    func step() throws {
        changes += 1
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<22: try create(randomFile())
        case 22..<34: try delete(randomFile())
        case 34..<46: try renameFile(randomFile(), to: randomFile())
        case 46..<62: try rewrite(randomFile())
        case 62..<74: try append(randomFile())
        case 74..<84: try cut(randomFile())
        case 84..<90: try changeMode(randomFile())
        case 90..<96: try retarget(own(ChangingTree.links).randomElement(using: &generator)!)
        default: try renameFolder()
        }
    }

    // MARK: - Files

    private func create(_ name: String) throws {
        guard present[folder(of: name)] != nil, present[name] == nil else { return }
        lastFile += 1
        let size = Int.random(in: 0...Self.fileBytesMax / 16, using: &generator) * 16
        let state = FileState(file: lastFile, versions: [1], sizes: size...size, mode: 0o644)
        let bytes = SelfDescribingBytes.make(file: lastFile, version: 1, count: size)
        var passing: FileState?
        if Bool.random(using: &generator) {
            passing = state
            passing!.sizes = 0...size
        }
        try change([name: .file(state)], passing: passing.map { [name: .file($0)] } ?? [:]) { path in
            // Either in its place, or in another and then renamed.
            let written = passing == nil ? "\(tree.docroot)/.new-\(number)" : path(name)
            try write(written, bytes, O_CREAT | O_EXCL)
            if passing == nil { check(rename(written, path(name))) }
        }
    }

    private func delete(_ name: String) throws {
        guard present[name] != nil else { return }
        try change([name: .missing]) { path in check(unlink(path(name))) }
    }

    private func renameFile(_ name: String, to other: String) throws {
        guard let state = present[name], name != other, present[folder(of: other)] != nil else { return }
        try change([other: state, name: .missing]) { path in check(rename(path(name), path(other))) }
    }

    /// Writes another version over the first, of the same size.
    private func rewrite(_ name: String) throws {
        guard case .file(var state) = present[name] else { return }
        let version = state.versions.first! + 1
        var passing = state
        passing.versions.insert(version)
        state.versions = [version]
        let bytes = SelfDescribingBytes.make(file: state.file, version: version, count: state.size)
        try change([name: .file(state)], passing: [name: .file(passing)]) { path in try write(path(name), bytes, 0) }
    }

    private func append(_ name: String) throws {
        guard case .file(var state) = present[name], state.size < 2 * Self.fileBytesMax else { return }
        let count = Int.random(in: 1...600, using: &generator) * 16
        let bytes = SelfDescribingBytes.make(
            file: state.file, version: state.versions.first!, from: state.size, count: count)
        var passing = state
        passing.sizes = state.size...(state.size + count)
        state.sizes = (state.size + count)...(state.size + count)
        try change([name: .file(state)], passing: [name: .file(passing)]) { path in
            try write(path(name), bytes, O_APPEND)
        }
    }

    /// Cuts it at the end of a page: inside one, readers of any file system may see it being filled with zeros.
    private func cut(_ name: String) throws {
        guard case .file(var state) = present[name], state.size > 0 else { return }
        let size = Int.random(in: 0...(state.size - 1) / Self.page, using: &generator) * Self.page
        var passing = state
        passing.sizes = size...state.size
        state.sizes = size...size
        try change([name: .file(state)], passing: [name: .file(passing)]) { path in
            check(truncate(path(name), off_t(size)))
        }
    }

    private func changeMode(_ name: String) throws {
        guard case .file(var state) = present[name] else { return }
        state.mode = [0o644, 0o600, 0o444, 0o755].randomElement(using: &generator)!
        try change([name: .file(state)]) { path in check(chmod(path(name), state.mode)) }
    }

    // MARK: - Links and folders

    private func retarget(_ link: String) throws {
        let target = ChangingTree.files.randomElement(using: &generator)!
        try change([link: .link(target: target)]) { path in
            check(symlink(target, "\(tree.docroot)/.link-\(number)"))
            check(rename("\(tree.docroot)/.link-\(number)", path(link)))
        }
    }

    private func renameFolder() throws {
        let folders = own(ChangingTree.folders)
        let former = folders.filter { present[$0] != nil }.randomElement(using: &generator)!
        let new = folders.filter { present[$0] == nil }.randomElement(using: &generator)!
        try change([former: .missing, new: present[former]!]) { path in check(rename(path(former), path(new))) }
        for name in ChangingTree.fileNames {
            present["\(new)/\(name)"] = present.removeValue(forKey: "\(former)/\(name)")
        }
    }

    // MARK: - Parts

    private func own(_ names: [String]) -> [String] {
        names.indices.filter { $0 % ChangingTree.changers == number }.map { names[$0] }
    }

    private func randomFile() -> String {
        let folder = own(ChangingTree.folders).randomElement(using: &generator)!
        return "\(folder)/\(ChangingTree.fileNames.randomElement(using: &generator)!)"
    }

    private func folder(of name: String) -> String { String(name.prefix { $0 != "/" }) }

    private func change(
        _ states: [String: NodeState], passing: [String: NodeState] = [:], _ body: ((String) -> String) throws -> Void
    ) throws {
        var new = Dictionary(uniqueKeysWithValues: states.map { (key($0.key), $0.value) })
        var old = Dictionary(uniqueKeysWithValues: passing.map { (key($0.key), $0.value) })
        for case .file(let file) in states.values { new[FileState.key(file.file)] = .file(file) }
        for case .file(let file) in passing.values { old[FileState.key(file.file)] = .file(file) }
        try tree.history.change(passing: old, to: new) { try body { "\(tree.docroot)/\($0)" } }
        for (name, state) in states { present[name] = state.isMissing ? nil : state }
    }

    /// The name of a path in the history.
    private func key(_ path: String) -> String {
        guard let slash = path.firstIndex(of: "/"), case .folder(let number) = present[String(path[..<slash])] else {
            return path
        }
        return ChangingTree.key(path[path.index(after: slash)...], inFolder: number)
    }

    private func write(_ path: String, _ bytes: [UInt8], _ flags: CInt) throws {
        let file = try withPath(Array(path.utf8)) { open($0, O_WRONLY | O_CLOEXEC | flags, 0o644) }
        defer { close(file) }
        try writeAll(file, bytes)
    }

    private func check(_ result: CInt) {
        precondition(result == 0, "the docroot cannot be changed: \(Errno(rawValue: errno))")
    }
}

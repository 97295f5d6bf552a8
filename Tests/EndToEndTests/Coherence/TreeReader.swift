import Glibc
import Platform

/// Reads the changing tree at random, through the mount or over HTTP, and judges what it finds by the tree's history. One
/// thread.
struct TreeReader {
    struct Result {
        var operations = 0
        /// Answers that were not right any more when they were asked for, by how long in nanoseconds.
        var late: [UInt64] = []
        /// Responses that ended before their promised length, as they must when the file is cut meanwhile.
        var cut = 0
        /// Contents of a file that was being cut, filled up with zeros.
        var zeroFilled = 0
        /// What was never right, or not for a second.
        var wrong: [String] = []
    }

    let tree: ChangingTree
    private(set) var result = Result()
    private var generator: SeededGenerator
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)

    init(_ tree: ChangingTree, seed: UInt64) {
        self.tree = tree
        generator = SeededGenerator(seed: seed)
    }

    // MARK: - Through the mount

    /// Does one thing of what programs do with files.
    mutating func step(mountPoint: String) {
        result.operations += 1
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: readFile(mountPoint, from: 0)
        case 4..<6: readFile(mountPoint, from: Int.random(in: 0..<4000, using: &generator) * 16)
        case 6..<8: examine(mountPoint)
        default: list(mountPoint)
        }
    }

    private mutating func readFile(_ mountPoint: String, from offset: Int) {
        let name = randomName()
        let asked = Clock.monotonicNanoseconds
        let file = open("\(mountPoint)/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return judge(name, error: errno, asked) }
        defer { close(file) }
        var filled = 0
        while filled < buffer.count {
            let count = buffer.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + filled, $0.count - filled, off_t(offset + filled))
            }
            guard count >= 0 else { return judge(name, error: errno, asked) }
            if count == 0 { break }
            filled += count
        }
        judge(name, from: offset, count: filled, isHTTP: false, asked)
    }

    private mutating func examine(_ mountPoint: String) {
        let name = ChangingTree.files.randomElement(using: &generator)!
        let asked = Clock.monotonicNanoseconds
        var status = stat()
        guard lstat("\(mountPoint)/\(name)", &status) == 0 else { return judge(name, error: errno, asked) }
        note(
            name, asked, "mode \(status.st_mode), \(status.st_size) bytes",
            staleness(name, asked) { file in
                status.st_mode == S_IFREG | file.mode && file.sizes.contains(Int(status.st_size))
            })
    }

    /// A name that was there all the time must be listed, and one that was never there must not.
    private mutating func list(_ mountPoint: String) {
        let folder = ChangingTree.folders.randomElement(using: &generator)!
        let asked = Clock.monotonicNanoseconds
        guard let stream = opendir("\(mountPoint)/\(folder)") else { return judge(folder, error: errno, asked) }
        var listed: Set<String> = []
        errno = 0
        while let entry = readdir(stream) {
            listed.insert(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        let code = errno
        closedir(stream)
        guard code == 0 else { return judge(folder, error: code, asked) }
        let unknown = listed.subtracting(ChangingTree.fileNames + [".", ".."])
        guard unknown.isEmpty else { return result.wrong.append("\(folder) lists \(unknown)") }
        for name in ChangingTree.fileNames {
            let isListed = listed.contains(name)
            note(
                "\(folder)/\(name)", asked, isListed ? "listed" : "not listed",
                isListed
                    ? staleness("\(folder)/\(name)", asked) { _ in true }
                    : staleness("\(folder)/\(name)", asked, nil))
        }
    }

    // MARK: - Over HTTP

    mutating func step(_ connection: inout HTTPConnection?, port: UInt16) throws {
        result.operations += 1
        let name = randomName()
        if result.operations % 50 == 0 { connection = nil }
        let connected = try connection ?? HTTPConnection(port: port)
        connection = connected
        let asked = Clock.monotonicNanoseconds
        do {
            let response = try connected.exchange("/\(name)")
            switch response.status {
            case 404: judge(name, error: ENOENT, asked)
            case 200:
                let count = min(response.body.count, buffer.count)
                buffer.replaceSubrange(..<count, with: response.body.prefix(count))
                judge(name, from: 0, count: count, isHTTP: true, asked)
            default: result.wrong.append("GET /\(name): \(response.status)")
            }
        } catch ClientFailure.closed {
            // The docroot's own file would have ended too early as well, if it was being cut.
            connection = nil
            result.cut += 1
            note(name, asked, "cut off", staleness(name, asked) { $0.sizes.lowerBound < $0.sizes.upperBound })
        }
    }

    // MARK: - Judging

    private mutating func randomName() -> String {
        let names = Int.random(in: 0..<5, using: &generator) == 0 ? ChangingTree.links : ChangingTree.files
        return names.randomElement(using: &generator)!
    }

    /// How long the answer had been wrong when it was asked for: that `name`, or what it links to, was missing, or was a file
    /// in a state that matches, under whatever name by then; nil when it never was.
    ///
    /// - Parameter matches: nil for missing.
    private func staleness(_ name: String, _ asked: UInt64, _ matches: ((FileState) -> Bool)?) -> UInt64? {
        let answered = Clock.monotonicNanoseconds
        let parts = name.split(separator: "/")
        let isInFolder = parts.count == 2 && !name.hasPrefix("@")
        let first = isInFolder ? String(parts[0]) : name
        var least: UInt64?
        for (state, stale) in tree.history.states(first, asked: asked, answered: answered) {
            // One that has been over for longer cannot be the best.
            if let least, least <= stale { continue }
            let ofState: UInt64? =
                switch state {
                case .folder(let number):
                    isInFolder ? staleness(ChangingTree.key(parts[1], inFolder: number), asked, matches) : nil
                case .missing: matches == nil ? 0 : nil
                case .link(let target): staleness(target, asked, matches)
                case .file(let file):
                    matches.flatMap { matches in
                        tree.history.staleness(FileState.key(file.file), asked: asked, answered: answered) { state in
                            guard case .file(let file) = state else { return false }
                            return matches(file)
                        }
                    }
                }
            if let ofState { least = min(least ?? .max, max(ofState, stale)) }
            if least == 0 { break }
        }
        return least
    }

    /// The only error that the docroot itself gives is that there is no such file.
    private mutating func judge(_ name: String, error: CInt, _ asked: UInt64) {
        guard error == ENOENT else { return result.wrong.append("\(name): \(Errno(rawValue: error))") }
        note(name, asked, "missing", staleness(name, asked, nil))
    }

    private mutating func judge(_ name: String, from offset: Int, count: Int, isHTTP: Bool, _ asked: UInt64) {
        let found: (file: UInt32, versions: Set<UInt32>)?
        do {
            found = try buffer.withUnsafeBytes {
                try SelfDescribingBytes.identify(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: offset)
            }
        } catch {
            let start = buffer.withUnsafeBytes { ZeroFill.start(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if start != nil, staleness(name, asked, { $0.sizes.lowerBound < $0.sizes.upperBound }) != nil {
                result.zeroFilled += 1
                return
            }
            return result.wrong.append("\(isHTTP ? "GET" : "read") \(name): \(error)")
        }
        let content = found.map { " of file \($0.file), versions \($0.versions.sorted())" } ?? ""
        let what = "\(isHTTP ? "GET" : "read"): \(count) bytes from \(offset)\(content)"
        guard let found else {
            return note(name, asked, what, staleness(name, asked) { $0.sizes.lowerBound <= offset })
        }
        note(name, asked, what, staleness(name, asked) { $0.file == found.file && $0.sizes.contains(offset + count) })
        for version in found.versions {
            note(name, asked, what, staleness(name, asked) { $0.file == found.file && $0.versions.contains(version) })
        }
    }

    private mutating func note(_ name: String, _ asked: UInt64, _ what: String, _ staleness: UInt64?) {
        guard let staleness, staleness < Delays.neverNanoseconds else {
            let states = tree.history.states(name, asked: asked, answered: Clock.monotonicNanoseconds).prefix(3)
                .reversed()
            let texts = states.map { "\($0.state) until \(Delays.text($0.staleNanoseconds)) ms before" }
            return result.wrong.append("\(name): \(what), though it was \(texts.joined(separator: ", "))")
        }
        if staleness > 0 { result.late.append(staleness) }
    }
}

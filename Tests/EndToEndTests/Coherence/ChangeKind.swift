import Glibc
import Platform
import Testing

/// What a GET says of a file that holds one letter over and over.
enum Answer: Hashable, Sendable {
    case body(letter: UInt8, count: Int)
    case status(Int)

    /// - Throws: when a body holds two versions, or anything else than one, or zeros.
    init(_ response: HTTPResponse) throws {
        guard response.status == 200 else {
            self = .status(response.status)
            return
        }
        let letter = response.body.first ?? 0
        let isPure = response.body.withUnsafeBytes { bytes in
            // Every byte is the one before it.
            bytes.count < 2 || memcmp(bytes.baseAddress!, bytes.baseAddress! + 1, bytes.count - 1) == 0
        }
        guard isPure else { throw ClientFailure.mismatch("a body of \(Set(response.body)): versions are mixed") }
        self = .body(letter: letter, count: response.body.count)
    }
}

/// A kind of change in the docroot, made again and again: each step is one change, and has one right answer after it.
///
/// A file is written in place with one `write`, of which a response has all or nothing: more than the docroot's own file system
/// gives. One becomes longer with a `write` that stays inside a page, and is cut at the ends of pages.
enum ChangeKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case writtenInPlace = "written in place"
    case pagesWrittenInPlace = "pages written in place"
    case muchWrittenInPlace = "much written in place"
    case appended, truncated
    case replaced = "replaced by rename"
    case deletedAndCreated = "deleted and created"
    case folderRenamed = "folder renamed"
    case permissionChanged = "permission changed"
    case linkRetargeted = "link retargeted"

    struct Step {
        /// What its time is noted under.
        var label: String
        var answer: Answer
        var change: () throws -> Void
    }

    var testDescription: String { rawValue }

    /// The request-target that is asked for all the while.
    var target: String { self == .folderRenamed ? "/folder/deep/page" : "/file" }

    /// A response that is cut off is right when the file was cut under it: what was promised is not there any more. With
    /// `--fuse-open stateless` the daemon opens a file no sooner than it is read, and may not be permitted to by then.
    /// One that was being appended to should not be cut off: the test counts that as a known issue. And of a file that takes
    /// several READs, and is written in place meanwhile, nothing whole can be sent any more.
    var mayCutResponses: Bool {
        [.truncated, .permissionChanged, .appended, .muchWrittenInPlace].contains(self)
    }

    private static let page = 4096
    private static let pagesMax = 16

    /// The bytes of the file at first; of one that is written in place always.
    private var initialCount: Int {
        switch self {
        case .pagesWrittenInPlace: 26_400
        case .muchWrittenInPlace: 600_000
        default: 512
        }
    }

    private static func letter(_ number: Int) -> UInt8 { UInt8(65 + number % 26) }

    private static func replacementCount(_ number: Int) -> Int { 50_000 + 4099 * (number % 26) }

    /// Makes what is there before the first step, and returns its answer.
    func prepare(_ docroot: String) throws -> Answer {
        switch self {
        case .folderRenamed:
            for (number, name) in ["folder", "other"].enumerated() {
                mkdir("\(docroot)/\(name)", 0o755)
                mkdir("\(docroot)/\(name)/deep", 0o755)
                try Self.write("\(docroot)/\(name)/deep/page", number, 700 + number)
            }
            return .body(letter: Self.letter(0), count: 700)
        case .linkRetargeted:
            for number in 0..<3 { try Self.write("\(docroot)/target-\(number)", number, 9000 + number) }
            symlink("target-0", "\(docroot)/file")
            return .body(letter: Self.letter(0), count: 9000)
        default:
            try Self.write("\(docroot)/file", 0, initialCount)
            return .body(letter: Self.letter(0), count: initialCount)
        }
    }

    /// The change number `number`, from 1 on.
    func step(_ number: Int, _ docroot: String) -> Step {
        let file = "\(docroot)/file"
        switch self {
        case .writtenInPlace, .pagesWrittenInPlace, .muchWrittenInPlace:
            return Step(label: rawValue, answer: .body(letter: Self.letter(number), count: initialCount)) {
                try Self.write(file, number, initialCount, flags: O_WRONLY)
            }
        case .appended:
            // Every 32 steps it starts anew.
            let (round, position) = (number + 31).quotientAndRemainder(dividingBy: 32)
            if position == 0 { return replacement(file, round, 1024) }
            return Step(label: rawValue, answer: .body(letter: Self.letter(round), count: 1024 * (position + 1))) {
                try Self.write(file, round, 1024, flags: O_WRONLY | O_APPEND)
            }
        case .truncated:
            let (round, position) = (number + Self.pagesMax - 1).quotientAndRemainder(dividingBy: Self.pagesMax)
            if position == 0 { return replacement(file, round, Self.pagesMax * Self.page) }
            let count = (Self.pagesMax - position) * Self.page
            return Step(label: rawValue, answer: .body(letter: Self.letter(round), count: count)) {
                try Self.check(truncate(file, off_t(count)))
            }
        case .replaced:
            return replacement(file, number, Self.replacementCount(number))
        case .deletedAndCreated:
            if number % 2 == 1 { return Step(label: "deleted", answer: .status(404)) { try Self.check(unlink(file)) } }
            var created = replacement(file, number, 3000 + number % 26)
            created.label = "created after a 404"
            return created
        case .folderRenamed:
            return folderStep(number, docroot)
        case .permissionChanged:
            let isForbidden = number % 2 == 1
            return Step(
                label: isForbidden ? "permission taken" : "permission given",
                answer: isForbidden ? .status(403) : .body(letter: Self.letter(0), count: 512)
            ) { try Self.check(chmod(file, isForbidden ? 0 : 0o644)) }
        case .linkRetargeted:
            let target = number % 3
            return Step(label: rawValue, answer: .body(letter: Self.letter(target), count: 9000 + target)) {
                try Self.check(symlink("target-\(target)", "\(docroot)/.next"))
                try Self.check(rename("\(docroot)/.next", file))
            }
        }
    }

    /// Two folders take turns at being `folder`, with a time between when there is none.
    private func folderStep(_ number: Int, _ docroot: String) -> Step {
        let names = ["first", "other"]
        let turn = number / 2 % 2
        if number % 2 == 1 {
            return Step(label: "folder renamed away", answer: .status(404)) {
                try Self.check(rename("\(docroot)/folder", "\(docroot)/\(names[turn])"))
            }
        }
        return Step(label: "folder renamed here", answer: .body(letter: Self.letter(turn), count: 700 + turn)) {
            try Self.check(rename("\(docroot)/\(names[turn])", "\(docroot)/folder"))
        }
    }

    private func replacement(_ file: String, _ number: Int, _ count: Int) -> Step {
        Step(label: Self.replaced.rawValue, answer: .body(letter: Self.letter(number), count: count)) {
            try Self.write("\(file).next", number, count)
            try Self.check(rename("\(file).next", file))
        }
    }

    private static func write(_ path: String, _ number: Int, _ count: Int, flags: CInt = O_WRONLY | O_CREAT) throws {
        let file = try withPath(Array(path.utf8)) { open($0, flags | O_CLOEXEC, 0o644) }
        defer { close(file) }
        try writeAll(file, [UInt8](repeating: letter(number), count: count))
    }

    private static func check(_ result: CInt) throws(Errno) {
        if result != 0 { throw Errno(rawValue: errno) }
    }
}

import Glibc

/// What wrk asks for: one file again and again, or many in turn.
struct Workload {
    /// For the tables, and for their rows.
    var name: String
    var shortName: String
    var docroot: String
    /// The one file, or nothing where `script` chooses.
    var path: String
    /// Everything that is asked for.
    var paths: [String]
    /// What every body has.
    var fileBytes: Int
    /// A Lua script for wrk.
    var script: String?
}

extension Workload {
    /// What has just changed serverfs reads anew for each response.
    private static let settlingMilliseconds = 4000

    /// Makes a docroot of files in `directory`, and a script that asks for them one after another.
    static func filesInTurn(count: Int, fileBytes: Int, in directory: TemporaryDirectory) throws -> Workload {
        let docroot = directory.file("files-in-turn")
        try makeFolder(docroot)
        for number in 1...count {
            try Interrupt.check()
            try directory.write(text(ofFile: number, byteCount: fileBytes), to: "files-in-turn/\(fileName(number))")
        }
        try directory.write(script(count: count), to: "files-in-turn.lua")
        try Interrupt.pause(milliseconds: settlingMilliseconds)
        return Workload(
            name: "\(grouped(Double(count))) files of \(grouped(Double(fileBytes))) bytes in turn",
            shortName: "\(grouped(Double(count))) files", docroot: docroot, path: "",
            paths: (1...count).map(fileName), fileBytes: fileBytes,
            script: directory.file("files-in-turn.lua"))
    }

    /// Has the docroot's files read from their disk once more, as a web server's are.
    ///
    /// Just written they would lie in memory in larger pieces than files that were read, those of the mount among them: four, two and
    /// one of seven pages in a row, and not seven single ones (`/proc/kpageflags`). What a client's copy of them costs depends on that by
    /// 5 %, and on where the pages come to lie: by doing it in each round, both are of chance, and the median is of neither.
    func dropPages() throws {
        sync()
        for path in paths {
            let file = unsafe open("\(docroot)/\(path)", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw BenchFailure(.runFailed, "\(docroot)/\(path) cannot be opened") }
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
    }

    /// Asks for each file once below `base`, a URL with the slash at the end. A kernel may give up what was not
    /// asked for since the last run, within seconds where DAMON reclaims: a run is to begin with everything in its caches.
    func warm(_ base: String) throws {
        for path in paths {
            let byteCount = try HTTPClient.byteCount(base + path)
            guard byteCount == fileBytes else {
                throw BenchFailure(.runFailed, "\(base + path) has \(byteCount) bytes and not \(fileBytes)")
            }
        }
    }

    private static func fileName(_ number: Int) -> String { "\(number).html" }

    /// No two files are alike.
    private static func text(ofFile number: Int, byteCount: Int) -> String {
        let line = "This line stands in file \(number).\n"
        let lines = String(repeating: line, count: byteCount / line.utf8.count + 1)
        return String(decoding: lines.utf8.prefix(byteCount), as: UTF8.self)
    }

    /// Every thread of wrk runs this by itself. The requests are made beforehand: a request only reads a table.
    static func script(count: Int) -> String {
        """
        local requests = {}
        local last = 0

        function init(arguments)
            for number = 1, \(count) do
                requests[number] = wrk.format("GET", "/" .. number .. ".html")
            end
        end

        function request()
            last = last % \(count) + 1
            return requests[last]
        end

        """
    }
}

/// One choice on every axis of the mount.
struct Combination: Equatable {
    var api: String
    var open: String
    var read: String
    var cache: String

    /// All of them, those included that cannot work: serverfs says which.
    static let all: [Combination] = ["lowlevel", "highlevel"].flatMap { api in
        ["per-open", "retained", "stateless", "passthrough"].flatMap { open in
            ["copy", "splice", "mmap"].flatMap { read in
                ["none", "timeout", "watched"].map { cache in
                    Combination(api: api, open: open, read: read, cache: cache)
                }
            }
        }
    }

    var values: [String] { [api, open, read, cache] }
    var name: String { values.joined(separator: " ") }

    var arguments: [String] {
        ["--fuse-api", api, "--fuse-open", open, "--fuse-read", read, "--fuse-cache", cache]
    }

    /// Whether it has each of the given values.
    func has(_ wanted: [String]) -> Bool { wanted.allSatisfy(values.contains) }

    func series(openFileCache: Bool) -> Series {
        let state = openFileCache ? "on" : "off"
        return Series(
            name: "\(name), open-file cache \(state)", slug: (values + [state]).joined(separator: "-"),
            serverfsArguments: arguments + ["--open-file-cache", openFileCache ? "1024" : "off"],
            isWarm: false)
    }
}

/// What has become of a combination with the open-file cache on or off.
struct MatrixRow {
    enum Outcome {
        case measured(SeriesResult)
        /// A run failed, and the reason.
        case failed(String)
    }

    var combination: Combination
    var openFileCache: Bool
    var outcome: Outcome
}

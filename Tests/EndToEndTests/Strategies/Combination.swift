import Testing

/// One value of each strategy option.
struct Combination: Sendable, CustomTestStringConvertible {
    var api: String
    var open: String
    var read: String
    var cache: String

    var options: [String] {
        ["--fuse-api", api, "--fuse-open", open, "--fuse-read", read, "--fuse-cache", cache]
    }

    var testDescription: String { "\(api) \(open) \(read) \(cache)" }

    /// Whether the combination contradicts itself, and how that is said.
    var contradiction: String? {
        if api == "highlevel", cache != "none" { return "--fuse-api highlevel" }
        if open == "stateless", cache == "none" { return "--fuse-open stateless" }
        if open == "passthrough", cache == "none" { return "--fuse-open passthrough" }
        return nil
    }

    static let all = ["lowlevel", "highlevel"].flatMap { api in
        ["per-open", "retained", "stateless", "passthrough"].flatMap { open in
            ["copy", "splice", "mmap"].flatMap { read in
                ["none", "timeout", "watched"].map { Combination(api: api, open: open, read: read, cache: $0) }
            }
        }
    }

    /// Those that serverfs accepts; `passthrough` needs root, and is refused to others.
    static let allowed = all.filter { $0.contradiction == nil && $0.isPermitted }

    private var isPermitted: Bool { open != "passthrough" || Capability.isRoot }

    /// For tests that take their time with each: all in the long form, else one of each open strategy.
    static let sample = TestDuration.isLong ? allowed : ofEachOpen

    /// One of each API and open strategy that go together; the read and cache strategies in turn.
    static let ofEachOpen = [
        Combination(api: "lowlevel", open: "stateless", read: "copy", cache: "watched"),
        Combination(api: "lowlevel", open: "per-open", read: "mmap", cache: "timeout"),
        Combination(api: "lowlevel", open: "retained", read: "splice", cache: "none"),
        Combination(api: "lowlevel", open: "passthrough", read: "copy", cache: "watched"),
        Combination(api: "highlevel", open: "per-open", read: "copy", cache: "none"),
        Combination(api: "highlevel", open: "retained", read: "mmap", cache: "none"),
    ].filter { $0.isPermitted }
}

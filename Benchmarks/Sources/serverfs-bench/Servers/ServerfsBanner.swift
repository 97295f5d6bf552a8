/// What serverfs says when it starts; complete once its last line is `ready`.
struct ServerfsBanner: Equatable {
    var version: String
    /// Base addresses, with the slash at the end; nil for the mount alone.
    var mountURL: String?
    var bypassURL: String?
    /// Nil where there is no operator's side.
    var adminURL: String?
    var mountPoint: String
    var strategies: String
    /// What was asked for and is not to be had here.
    var unavailable: String?

    /// Nil as long as the banner is not complete or a line is missing.
    init?(parsing output: String) {
        let lines = output.split(separator: "\n")
        guard lines.last == "ready" else { return nil }

        var values: [Substring: Substring] = [:]
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 1)
            if words.count == 2 { values[words[0]] = words[1].drop { $0 == " " } }
        }
        func firstWord(_ key: Substring) -> String? {
            values[key]?.split(separator: " ").first.map(String.init)
        }
        guard let version = values["serverfs"], let mountPoint = firstWord("mount"),
            let strategies = values["strategies"]
        else { return nil }
        self.version = String(version)
        mountURL = firstWord("listen")
        bypassURL = firstWord("listen-bypass")
        adminURL = firstWord("admin").flatMap { $0.hasPrefix("http") ? $0 : nil }
        self.mountPoint = mountPoint
        self.strategies = String(strategies)
        unavailable = values["unavailable"].map(String.init).flatMap { $0 == "nothing" ? nil : $0 }
    }
}

/// What a run of wrk is pointed at.
enum Target: CaseIterable {
    case mount
    case bypass
    case nginx

    var name: String {
        switch self {
        case .mount: "mount"
        case .bypass: "bypass"
        case .nginx: "nginx"
        }
    }
}

/// One target's requests/s over another's, which the plan asks to be at least so much.
struct Requirement {
    var numerator: Target
    var denominator: Target
    var atLeast: Double
}

/// One configuration of serverfs, measured by itself against its own bypass and nginx.
struct Series {
    /// Stands behind each target's name in the tables.
    var name: String
    /// Also names files: letters and hyphens.
    var slug: String
    var serverfsArguments: [String]
    /// Whether nginx keeps its files open, so that it is asked for the same work.
    var nginxOpenFileCache: Bool
    var requirements: [Requirement]
}

/// Everything that is measured and what is asked of it. A row more is a series more.
enum Plan {
    static let series = [
        Series(
            name: "open-file cache on", slug: "cache-on", serverfsArguments: [], nginxOpenFileCache: true,
            requirements: [
                Requirement(numerator: .mount, denominator: .bypass, atLeast: 0.95),
                Requirement(numerator: .bypass, denominator: .nginx, atLeast: 1.00),
            ]),
        Series(
            name: "open-file cache off", slug: "cache-off", serverfsArguments: ["--open-file-cache", "off"],
            nginxOpenFileCache: false,
            requirements: [
                Requirement(numerator: .mount, denominator: .bypass, atLeast: 0.30)
            ]),
    ]

    /// The order within a round: what is compared with each other stands side by side.
    static let order: [Target] = [.mount, .bypass, .nginx]

    static let warmUpSeconds = 1
}

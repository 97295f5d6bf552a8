/// What a run of wrk is pointed at.
enum Target: CaseIterable {
    case mount
    case bypass
    case nginx
    /// The mount of another serverfs, with `--telemetry off`.
    case untimed

    var name: String {
        switch self {
        case .mount: "mount"
        case .bypass: "bypass"
        case .nginx: "nginx"
        case .untimed: "mount with --telemetry off"
        }
    }
}

/// What is asked of a series.
enum Requirement {
    /// One target's requests/s over another's, the median of the pairs.
    case ratio(Target, to: Target, atLeast: Double)
    /// FUSE requests per HTTP request through the mount, over all runs.
    case fuseRequests(below: Double)
}

/// One configuration of serverfs, measured by itself against its own bypass, and nginx if it is to.
struct Series {
    /// Stands behind each target's name in the tables.
    var name: String
    /// Also names files: letters and hyphens, and no two alike.
    var slug: String
    var serverfsArguments: [String]
    /// nginx beside it, keeping its files open or not, so that it is asked for the same work.
    var nginx: NginxPeer = .absent
    /// Whether a second serverfs stands beside it, the same but for its telemetry, which is off.
    var hasUntimedPeer = false
    /// Whether what is served stays in the page cache meanwhile, the docroot's files and the mount's: the kernel may give up either.
    var isWarm = true
    var requirements: [Requirement] = []
    /// Whether it may be impossible here, as what needs root: serverfs's reason is printed then.
    var mayBeRefused = false

    enum NginxPeer {
        case absent
        case openFileCache(Bool)
    }

    /// The order within a round: what is compared with each other stands side by side.
    var targets: [Target] {
        var targets: [Target] = hasUntimedPeer ? [.untimed, .mount, .bypass] : [.mount, .bypass]
        if case .openFileCache = nginx { targets.append(.nginx) }
        return targets
    }
}

/// Where a request's file is read, as serverfs's counters name it.
enum Way: String {
    case mount
    case bypass
}

/// What is measured.
enum Target: CaseIterable {
    case mount
    case bypass
    case nginx
    /// The mount, with telemetry off.
    case untimed

    var name: String {
        switch self {
        case .mount: "mount"
        case .bypass: "bypass"
        case .nginx: "nginx"
        case .untimed: "mount with telemetry off"
        }
    }
}

/// What a mount is compared with in the same process, and the switch that turns it into that.
enum Baseline {
    case bypass
    case untimed

    var target: Target { self == .bypass ? .bypass : .untimed }
    var way: Way { self == .bypass ? .bypass : .mount }
    /// The switch's name on the operator's side.
    var switchName: String { self == .bypass ? "bypass" : "telemetry" }

    /// Whether that switch is on for the mount, or for the baseline.
    func isOn(for target: Target) -> Bool { (target == .mount) == (self == .untimed) }
}

/// What is asked of a series.
enum Requirement {
    /// One target's rate over another's, the median of the pairs.
    case ratio(Target, to: Target, atLeast: Double, of: Rate = .requests)
    /// FUSE requests per HTTP request through the mount, over all runs.
    case fuseRequests(below: Double)
}

/// What is compared.
enum Rate {
    /// Requests a second.
    case requests
    /// Requests a second of a busy machine that is always equally fast: see `Sample.clientShare`.
    case requestsByProcessorTime
    /// wrk's processor time for a request.
    case clientTime
}

/// One configuration of serverfs, measured by itself against its own bypass, and nginx if it is to.
struct Series {
    /// Stands behind each target's name in the tables.
    var name: String
    /// Also names files: letters and hyphens, and no two alike.
    var slug: String
    var serverfsArguments: [String]
    var baseline = Baseline.bypass
    /// nginx beside it, keeping its files open or not, so that it is asked for the same work.
    var nginx: NginxPeer = .absent
    /// Whether what is served stays in the page cache meanwhile, the docroot's files and the mount's: the kernel may give up either.
    var isWarm = true
    /// How many times longer than others it is measured.
    var length = 1
    var requirements: [Requirement] = []
    /// Whether it may be impossible here, as what needs root: serverfs's reason is printed then.
    var mayBeRefused = false

    enum NginxPeer {
        case absent
        case openFileCache(Bool)
    }

    /// The baseline first.
    var targets: [Target] {
        var targets = [baseline.target, .mount]
        if case .openFileCache = nginx { targets.append(.nginx) }
        return targets
    }
}

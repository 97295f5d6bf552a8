import FuseProxy

/// What is in effect of a mount's choices where that may be less than was asked for; the next mount's may be something else.
struct MountEffect: Sendable {
    let cache: CachePolicy
    /// What tells of changes: `fanotify` or `inotify`; nil when nothing does.
    let watchName: String?
    /// After how long the mount is aborted when it stands still; nil when nobody would see that.
    let stallSeconds: Int?

    init(_ mount: ProxyMount) {
        cache = mount.session.cacheInEffect
        watchName = mount.session.watchName
        stallSeconds = mount.watch.flatMap { $0.missingControl == nil ? $0.watchdog.stallSeconds : nil }
    }
}

extension ProxySession {
    /// Where changes cannot be watched, everything gets a timeout.
    var cacheInEffect: CachePolicy { watchFailure == nil ? configuration.cache : .timeout(seconds: 1) }
}

extension CachePolicy {
    /// As the command line has it.
    var optionText: String {
        switch self {
        case .none, .watched: name
        case .timeout(let seconds):
            seconds == seconds.rounded() ? "timeout=\(Int(seconds))" : "timeout=\(seconds)"
        }
    }
}

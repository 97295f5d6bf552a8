import FuseProxy
import Glibc
import Platform

/// What serverfs says when it has started: one fact a line, the same order always.
package struct Banner: Sendable {
    package private(set) var text = ""
    /// Every strategy in effect, by the names of the options that choose among them.
    package private(set) var strategies = ""

    /// The banner of `serverfs serve`.
    init(
        _ configuration: ServerConfiguration, budget: DescriptorBudget, docroot: Docroot, mount: ProxyMount?,
        listening: [String], listeningBypass: [String], admin: AdminListener?, adminMissing: String?
    ) {
        text = "serverfs \(Version.current)\n"
        add("docroot", docroot.path)
        for address in listening {
            add("listen", "http://\(address)/", mount == nil ? "docroot directly" : "through the mount")
        }
        for address in listeningBypass { add("listen-bypass", "http://\(address)/", "docroot directly") }
        if let admin {
            for address in admin.bound { add("admin", "http://\(address)/", admin.needsToken ? "with the token" : nil) }
        } else {
            add("admin", configuration.admin == .off ? "off" : "none")
        }
        if let mount {
            add(mount)
        } else {
            add("mount", "none (--bypass)")
        }
        add("workers", Self.threads("http", configuration.workers))
        let cache = budget.openFileCacheCapacity
        var strategies = mount.map(Self.fuseStrategies) ?? []
        strategies.append("send \(Self.sender(configuration, mount))")
        strategies.append("open-file-cache \(cache == 0 ? "off" : "\(cache) a worker")")
        self.strategies = strategies.joined(separator: ", ")
        add("strategies", self.strategies)
        add("keep-alive", "\(configuration.keepAliveSeconds) s")
        add("connections", "at most \(budget.connectionsMaxPerWorker * configuration.workers)")
        let extras = configuration.serverTiming ? ", in each response's Server-Timing" : ""
        add("telemetry", configuration.telemetry ? "on\(extras)" : "off: times are not taken")
        let raised = budget.limit > budget.limitBefore ? " (raised from \(budget.limitBefore))" : ""
        add("descriptors", "\(budget.limit)\(raised)")
        var missing = mount.map(Self.unavailable) ?? []
        if cache < configuration.openFileCacheCapacity {
            missing.append(
                "open-file-cache \(configuration.openFileCacheCapacity): \(budget.limit) descriptors allow \(cache)")
        }
        if let adminMissing { missing.append(adminMissing) }
        addUnavailable(missing)
        text += "ready\n"
    }

    /// The banner of `serverfs mount`.
    init(docroot: Docroot, mount: ProxyMount) {
        text = "serverfs \(Version.current)\n"
        add("docroot", docroot.path)
        add(mount)
        add("strategies", Self.fuseStrategies(mount).joined(separator: ", "))
        addUnavailable(Self.unavailable(mount))
        text += "ready\n"
    }

    /// Every strategy of the FUSE side that is in effect, by the names of the options that choose among them.
    private static func fuseStrategies(_ mount: ProxyMount) -> [String] {
        let proxy = mount.session.configuration
        return [
            "fuse-api \(proxy.api.rawValue)", "fuse-transport device", "fuse-open \(proxy.open.rawValue)",
            "fuse-read \(proxy.read.rawValue)", cacheName(mount.session),
        ]
    }

    private static func cacheName(_ session: ProxySession) -> String {
        "fuse-cache \(session.cacheInEffect.name)" + (session.watchName.map { " (\($0))" } ?? "")
    }

    private static func sender(_ configuration: ServerConfiguration, _ mount: ProxyMount?) -> String {
        let bypass = configuration.bypassSender
        guard mount != nil, configuration.mountSender != bypass else { return bypass.rawValue }
        return "\(configuration.mountSender.rawValue) (\(bypass.rawValue) for the bypass)"
    }

    private mutating func add(_ name: String, _ value: String, _ note: String? = nil) {
        let padding = String(repeating: " ", count: max(15 - name.count, 1))
        text += "  \(name)\(padding)\(value)\(note.map { "  (\($0))" } ?? "")\n"
    }

    private mutating func add(_ mount: ProxyMount) {
        let options = "fuse.serverfs, ro,nosuid,nodev\(mount.session.allowsOtherUsers ? ",allow_other" : "")"
        add("mount", mount.mountPoint.path, mount.mountPoint.isPrivate ? "\(options); removed at exit" : options)
        add("fuse threads", Self.threads("fuse", mount.session.configuration.threads))
        if let watchdog = mount.watch?.watchdog {
            let stall = watchdog.stallSeconds.map { "stall time-out \($0) s" } ?? "stall time-out off"
            add("watchdog", "process \(watchdog.identifier)", stall)
        }
    }

    private mutating func addUnavailable(_ missing: [String]) {
        add("unavailable", missing.isEmpty ? "nothing" : missing.joined(separator: "; "))
    }

    private static func unavailable(_ mount: ProxyMount) -> [String] {
        var missing: [String] = []
        if let failure = mount.session.watchFailure { missing.append("fuse-cache watched: \(failure)") }
        if let failure = mount.session.fanotifyFailure {
            let reason = failure == .notPermitted ? "it needs CAP_SYS_ADMIN" : "\(failure)"
            missing.append("fanotify: \(reason); inotify does not see changes by a second name in an unwatched folder")
        }
        if !mayAdministrateSystem { missing.append("fuse-open passthrough: it needs CAP_SYS_ADMIN") }
        if !mount.session.allowsOtherUsers {
            missing.append(
                "allow_other: not root, and /etc/fuse.conf does not say user_allow_other; others cannot enter the mount"
            )
        }
        if let reason = mount.watch?.missingControl {
            missing.append("fuse-stall-timeout: no control of the mount's connection (fusectl): \(reason)")
        }
        return missing
    }

    /// Whether this process has CAP_SYS_ADMIN (`capabilities(7)`): bit 21 of its effective set.
    private static var mayAdministrateSystem: Bool {
        guard let file = fopen("/proc/self/status", "re") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let parts = text.split(whereSeparator: \.isWhitespace)
            guard parts.count == 2, parts[0] == "CapEff:", let rights = UInt64(parts[1], radix: 16) else { continue }
            return rights & (1 << 21) != 0
        }
        return false
    }

    private static func threads(_ name: String, _ count: Int) -> String {
        count == 1 ? "1 (\(name)-0)" : "\(count) (\(name)-0 … \(name)-\(count - 1))"
    }
}

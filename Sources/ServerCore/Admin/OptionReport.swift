import AdminServer
import FuseProxy
import HTTPServer

/// The options of `serverfs serve` as `/status` tells them, by their names without the leading dashes.
struct OptionReport: Sendable {
    typealias Members = [(name: String, value: JSONValue)]

    let configuration: ServerConfiguration
    let budget: DescriptorBudget
    /// Absolute and canonical.
    let docrootPath: String
    let listening: [String]
    let listeningBypass: [String]
    let admin: [ListenAddress]
    /// nil without a mount.
    let mountPointPath: String?

    /// Every option with what is in effect. The mount's are missing where there is none.
    ///
    /// - Parameters:
    ///   - mount: of the present mount; nil without one.
    ///   - isTiming: whether times are taken at present.
    func inEffect(_ mount: MountEffect?, isTiming: Bool) -> Members {
        var options: Members = [
            ("docroot", .string(docrootPath)),
            ("listen", .strings(listening)),
            ("listen-bypass", .strings(listeningBypass)),
            ("bypass", .bool(configuration.bypass)),
            ("workers", .integer(configuration.workers)),
            ("open-file-cache", Self.number(budget.openFileCacheCapacity)),
            ("send", sender(hasMount: mount != nil)),
            ("keep-alive-timeout", .integer(configuration.keepAliveSeconds)),
            ("stall-timeout", .integer(configuration.stallTimeoutSeconds)),
            ("on-mount-loss", .string(configuration.onMountLoss.rawValue)),
            ("telemetry", isTiming ? "on" : "off"),
            ("server-timing", .bool(configuration.serverTiming)),
            ("trace-file", Self.text(configuration.traceFilePath)),
            ("admin", .strings(admin.map(\.description))),
            ("admin-token-file", Self.text(configuration.adminTokenPath)),
            ("profile", .string(configuration.profile.rawValue)),
        ]
        guard let mount else { return options }
        let proxy = configuration.proxy
        options += [
            ("mount-point", Self.text(mountPointPath)),
            ("fuse-api", .string(proxy.api.rawValue)),
            ("fuse-threads", .integer(proxy.threads)),
            ("fuse-open", .string(proxy.open.rawValue)),
            ("fuse-read", .string(proxy.read.rawValue)),
            ("fuse-cache", .string(mount.cache.optionText)),
            ("fuse-stall-timeout", Self.number(mount.stallSeconds ?? 0)),
        ]
        return options
    }

    /// What was asked for, by the command line, the profile or as the default, of those options that may come to something else.
    ///
    /// - Parameter stallSeconds: `--fuse-stall-timeout`, which is the watchdog's; nil for off.
    func requested(stallSeconds: Int?) -> Members {
        let admin: JSONValue =
            switch configuration.admin {
            case .off: .null
            case .standard: .string(AdminChoice.standardAddress.description)
            case .address(let address): .string(address.description)
            }
        var options: Members = [
            ("docroot", .string(configuration.docrootPath)),
            ("listen", .strings(configuration.listen.map(\.description))),
            ("listen-bypass", .strings(configuration.listenBypass.map(\.description))),
            ("open-file-cache", Self.number(configuration.openFileCacheCapacity)),
            ("send", .string(configuration.send.rawValue)),
            ("telemetry", configuration.telemetry ? "on" : "off"),
            ("admin", admin),
        ]
        if configuration.bypass { return options }
        options += [
            ("mount-point", Self.text(configuration.mountPointPath)),
            ("fuse-cache", .string(configuration.proxy.cache.optionText)),
            ("fuse-stall-timeout", Self.number(stallSeconds ?? 0)),
        ]
        return options
    }

    private func sender(hasMount: Bool) -> JSONValue {
        [
            "mount": hasMount ? .string(configuration.mountSender.rawValue) : .null,
            "bypass": .string(configuration.bypassSender.rawValue),
        ]
    }

    private static func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

    /// A number, or `off` for 0.
    private static func number(_ value: Int) -> JSONValue { value == 0 ? "off" : .integer(value) }
}

import ArgumentParser
import FuseProxy
import ServerCore

extension FuseAPI: ExpressibleByArgument {}
extension OpenStrategy: ExpressibleByArgument {}
extension ReadStrategy: ExpressibleByArgument {}
extension Profile: ExpressibleByArgument {}

/// `--fuse-cache`'s `none`, `timeout`, `timeout=SECONDS` or `watched`.
struct CacheOption: ExpressibleByArgument {
    let policy: CachePolicy

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("none", 1): policy = .none
        case ("watched", 1): policy = .watched
        case ("timeout", 1): policy = .timeout(seconds: 1)
        case ("timeout", 2):
            guard let seconds = Double(parts[1]), seconds > 0, seconds <= 1e6 else { return nil }
            policy = .timeout(seconds: seconds)
        default: return nil
        }
    }
}

/// `--fuse-stall-timeout`'s SECONDS or `off`.
enum StallTimeoutOption: ExpressibleByArgument {
    case off
    case seconds(Int)

    init?(argument: String) {
        if argument == "off" {
            self = .off
            return
        }
        guard let seconds = Int(argument), (1...3600).contains(seconds) else { return nil }
        self = .seconds(seconds)
    }

    /// nil when off.
    var seconds: Int? {
        switch self {
        case .off: nil
        case .seconds(let seconds): seconds
        }
    }
}

/// How the mount works, for both commands.
struct FuseOptions: ParsableArguments {
    @Option(help: "A set of the choices below, each of which can still be made by itself.")
    var profile = Profile.fast

    @Option(help: "Which of libfuse's two APIs.")
    var fuseApi: FuseAPI?

    @Option(help: "FUSE threads: 1 to 64.")
    var fuseThreads: Int?

    @Option(help: "What an OPEN costs, and what it holds.")
    var fuseOpen: OpenStrategy?

    @Option(help: "How a READ's reply gets its bytes.")
    var fuseRead: ReadStrategy?

    @Option(
        help: ArgumentHelp(
            "What the kernel may keep: nothing; names and attributes for some seconds (1); or all, told of changes.",
            valueName: "none|timeout[=seconds]|watched"))
    var fuseCache: CacheOption?

    @Option(
        help: ArgumentHelp(
            "After how long a mount that stands still while requests wait is aborted: 1 to 3600 seconds. (default: 10)",
            valueName: "seconds|off"))
    var fuseStallTimeout: StallTimeoutOption?

    /// nil when off.
    var stallSeconds: Int? { (fuseStallTimeout ?? .seconds(10)).seconds }

    func validate() throws {
        if let fuseThreads, !(1...64).contains(fuseThreads) {
            throw ValidationError("--fuse-threads must be from 1 to 64.")
        }
    }

    /// Whether anything but the profile was chosen.
    var isGiven: Bool {
        fuseApi != nil || fuseThreads != nil || fuseOpen != nil || fuseRead != nil || fuseCache != nil
            || fuseStallTimeout != nil
    }

    /// Makes the profile's choices, and then those made by themselves.
    func apply(to configuration: inout ServerConfiguration) {
        profile.apply(to: &configuration)
        if let fuseApi {
            configuration.proxy.api = fuseApi
            // The profile's choices, where the API has no way to keep them.
            if fuseApi == .highLevel {
                configuration.proxy.cache = .none
                configuration.proxy.open = .perOpen
            }
        }
        if let fuseThreads { configuration.proxy.threads = fuseThreads }
        if let fuseOpen { configuration.proxy.open = fuseOpen }
        if let fuseRead { configuration.proxy.read = fuseRead }
        if let fuseCache {
            configuration.proxy.cache = fuseCache.policy
            // The profile's choice, where the cache has no way to keep it.
            if fuseCache.policy == .none, fuseOpen == nil { configuration.proxy.open = .perOpen }
        }
    }
}

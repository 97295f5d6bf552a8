import FuseProxy
import Glibc
import Platform
import Telemetry

/// One mount in its watchdog's care, from before it is made until it is gone.
package final class MountWatch: Sendable {
    package let watchdog: Watchdog
    private let place: Int

    /// A watchdog that has not taken a mount up after this long is not waited for.
    private static let answerNanoseconds: UInt64 = 500_000_000

    init(_ watchdog: Watchdog, place: Int) {
        self.watchdog = watchdog
        self.place = place
    }

    /// What the FUSE threads count for the watchdog.
    var progress: FuseProgress { watchdog.memory.progress(place) }

    /// The mount is made. Returns once the watchdog can abort it: before that, nobody of this process may enter it.
    func isMounted(_ session: ProxySession) {
        watchdog.send(.mounted(place: UInt8(place), device: session.device, mountID: session.mountID))
        let start = Clock.monotonicNanoseconds
        while watchdog.memory.state(place).state == .unknown,
            Clock.monotonicNanoseconds - start < Self.answerNanoseconds
        {
            usleep(100)
        }
    }

    /// The mount is gone, or was never made, and its folder too if it was made for it.
    func isGone() { watchdog.send(.unmounted(place: UInt8(place))) }

    /// Whether the watchdog has aborted the mount, because it stood still.
    package var hasStalled: Bool { watchdog.memory.state(place).state == .stalled }

    /// Why the watchdog can only unmount, and does not see whether the mount stands still; nil when it does.
    var missingControl: String? {
        let (state, error) = watchdog.memory.state(place)
        return switch state {
        case .watching, .stalled: nil
        case .withoutControl: "\(error ?? .ioError)"
        case .unknown: "the watchdog does not answer"
        }
    }
}

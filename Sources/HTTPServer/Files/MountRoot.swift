package import Platform
import Synchronization

/// The root of the mount that a server reads through.
package struct MountRoot: Sendable {
    /// Of the root, to resolve from.
    package let descriptor: SharedDescriptor
    /// The mount's `st_dev`: what lies on it is never served as the docroot's.
    package let device: UInt64
    /// Tells this mount from all others that there have been: device numbers are used again.
    let serial: UInt64

    private static let lastSerial = Atomic<UInt64>(0)

    package init(descriptor: SharedDescriptor, device: UInt64) {
        self.descriptor = descriptor
        self.device = device
        serial = Self.lastSerial.add(1, ordering: .relaxed).newValue
    }
}

/// `--on-mount-loss`: what is served while the mount is gone.
package enum MountLossPolicy: String, CaseIterable, Sendable {
    /// The docroot's files, read directly.
    case bypass
    /// 503 (Service Unavailable).
    case unavailable = "503"
    /// Nothing: the process ends.
    case exit
}

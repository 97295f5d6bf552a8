import FuseProxy
import Glibc
import Platform

/// A mount of the server's, as its watchdog knows it.
final class WatchedMount {
    private let path: String
    private let isPrivate: Bool
    /// nil as long as it is only announced.
    private var identity: (device: UInt64, mountID: UInt64)?
    private var control: FuseControl?
    private var meter: StallMeter?

    init(path: [UInt8], isPrivate: Bool) {
        self.path = String(decoding: path, as: UTF8.self)
        self.isPrivate = isPrivate
    }

    /// It has been made.
    ///
    /// - Parameter meter: nil when a mount that stands still is to be left alone.
    func isMade(device: UInt64, mountID: UInt64, meter: StallMeter?) throws(Errno) {
        identity = (device, mountID)
        let control = try FuseControl(device: device)
        // What cannot be read now could not be read later either.
        _ = try control.waiting
        self.control = control
        self.meter = meter
    }

    /// Looks whether it stands still, and aborts its connection then.
    ///
    /// - Returns: whether it was aborted just now.
    func abortIfStalled(answered: UInt64, now: UInt64) -> Bool {
        guard let control, meter != nil else { return false }
        // Once the connection is gone, nobody waits for it.
        guard meter!.look(waiting: (try? control.waiting) ?? 0, answered: answered, now: now) else { return false }
        control.abort()
        // Nothing more is waited for.
        meter = nil
        return true
    }

    /// Lets go of everybody who waits for an answer.
    func abort() { control?.abort() }

    /// Takes the mount out of the tree, if it still is in it, and removes its folder if it was the server's own.
    ///
    /// - Returns: whether that is all; false when the mount may be made still.
    func remove() -> Bool {
        let entry = (try? MountTable.read())?.last(where: isThis)
        if let entry {
            if identity == nil, let control = try? FuseControl(device: entry.device) { control.abort() }
            do throws(Errno) {
                try Mounts.takeAway(entry.mountPoint)
            } catch {
                if error == .notPermitted { UnprivilegedMount.unmount(entry.mountPoint) }
            }
        }
        // Whatever is there now, rmdir takes only an empty folder.
        if isPrivate { rmdir(entry?.mountPoint ?? path) }
        return entry != nil || identity != nil
    }

    /// Device numbers and paths are used again: only all of it together is this mount.
    private func isThis(_ entry: MountEntry) -> Bool {
        guard entry.fileSystemType == "fuse.serverfs" else { return false }
        if let identity { return entry.device == identity.device && entry.mountID == identity.mountID }
        return entry.mountPoint == path
    }
}

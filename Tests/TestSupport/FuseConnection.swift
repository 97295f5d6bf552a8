import Platform

/// A FUSE connection as /sys/fs/fuse/connections names it: by the minor number of its mount's device.
package enum FuseConnection {
    /// Cuts the connection: whoever waits for its server gets an error. fusectl is mounted for that in a mount namespace
    /// of its own, where it is not mounted already.
    ///
    /// - Returns: whether it could be done.
    package static func abort(device: UInt64) -> Bool {
        let minor = (device & 0xff) | ((device >> 12) & 0xfff00)
        let folder = "/sys/fs/fuse/connections"
        let script = "mount -t fusectl none \(folder) 2>&-; echo 1 >\(folder)/\(minor)/abort"
        return ChildProcess.run(["unshare", "-m", "bash", "-c", script]) == .exited(0)
    }
}

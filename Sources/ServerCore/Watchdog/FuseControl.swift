import Glibc
import Platform

/// A FUSE connection's files in fusectl, kept open: numbers are used again, a file opened once stays its connection's.
struct FuseControl: Sendable {
    private let abortFile: SharedDescriptor
    private let waitingFile: SharedDescriptor

    private static let folder = "/sys/fs/fuse/connections"

    /// Opens the control files of the connection behind a mount's device. Where fusectl is not mounted, root mounts it
    /// where nobody sees it.
    init(device: UInt64) throws(Errno) {
        let number = (device & 0xff) | ((device >> 12) & 0xfff00)
        do throws(Errno) {
            try self.init(try Files.open("\(Self.folder)/\(number)", flags: Files.pathOnly))
        } catch {
            guard error == .noSuchFileOrDirectory, let mount = try? Mounts.makeDetached("fusectl") else { throw error }
            try self.init(
                try Files.openBeneath(mount.rawValue, "\(number)", flags: Files.pathOnly, resolution: .beneath))
        }
    }

    private init(_ folder: consuming OwnedDescriptor) throws(Errno) {
        let number = folder.rawValue
        abortFile = SharedDescriptor(
            try Files.openBeneath(number, "abort", flags: O_WRONLY, resolution: .beneath))
        waitingFile = SharedDescriptor(
            try Files.openBeneath(number, "waiting", flags: O_RDONLY, resolution: .beneath))
    }

    /// Cuts the connection: every call on the mount that waits fails, and every later one.
    func abort() {
        _ = write(abortFile.rawValue, "1", 1)
    }

    /// How many requests wait for an answer; 0 when the connection is gone.
    var waiting: Int {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            let count = (try? Files.read(waitingFile.rawValue, into: buffer, at: 0)) ?? 0
            return buffer[..<count].reduce(0) { number, byte in
                byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                    ? number * 10 + Int(byte - UInt8(ascii: "0")) : number
            }
        }
    }
}

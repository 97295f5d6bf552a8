import Glibc
import Platform

/// A FUSE connection's folder in fusectl, kept open: numbers are used again, what was opened once stays its connection's.
struct FuseControl: Sendable {
    private let folder: SharedDescriptor
    private let abortFile: SharedDescriptor

    private static let connections = "/sys/fs/fuse/connections"

    /// Opens the control files of the connection behind a mount's device. Where fusectl is not mounted, root mounts it
    /// where nobody sees it.
    init(device: UInt64) throws(Errno) {
        let number = (device & 0xff) | ((device >> 12) & 0xfff00)
        do throws(Errno) {
            try self.init(try Files.open("\(Self.connections)/\(number)", flags: Files.pathOnly))
        } catch {
            guard error == .noSuchFileOrDirectory, let mount = try? Mounts.makeDetached("fusectl") else { throw error }
            try self.init(
                try Files.openBeneath(mount.rawValue, "\(number)", flags: Files.pathOnly, resolution: .beneath))
        }
    }

    private init(_ folder: consuming OwnedDescriptor) throws(Errno) {
        let shared = SharedDescriptor(folder)
        self.folder = shared
        abortFile = SharedDescriptor(
            try shared.withRawValue { (folder) throws(Errno) in try Self.open(folder, "abort", flags: O_WRONLY) })
    }

    private static func open(_ folder: CInt, _ name: String, flags: CInt) throws(Errno) -> OwnedDescriptor {
        try Files.openBeneath(folder, name, flags: flags, resolution: .beneath)
    }

    /// Cuts the connection: every call on the mount that waits fails, and every later one.
    func abort() {
        _ = write(abortFile.rawValue, "1", 1)
        withExtendedLifetime(abortFile) {}
    }

    /// How many requests wait for an answer.
    ///
    /// - Throws: ENOENT when the connection is gone.
    var waiting: Int {
        get throws(Errno) {
            // The file gives its number once for each time it is opened.
            let file = try folder.withRawValue { (folder) throws(Errno) in
                try Self.open(folder, "waiting", flags: O_RDONLY)
            }
            var bytes: InlineArray<32, UInt8> = .init(repeating: 0)
            let count = withUnsafeMutableBytes(of: &bytes) { read(file.rawValue, $0.baseAddress, $0.count) }
            if count < 0 { throw Errno(rawValue: errno) }
            return (0..<count).reduce(0) { number, index in
                let byte = bytes[index]
                return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                    ? number * 10 + Int(byte - UInt8(ascii: "0")) : number
            }
        }
    }
}

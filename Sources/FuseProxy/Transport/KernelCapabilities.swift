import Glibc

/// What the kernel offers in its INIT request (`struct fuse_init_in` of linux/fuse.h), which libfuse 3.14 knows only in part.
package struct KernelCapabilities: Sendable {
    /// The protocol's minor version.
    package let minorVersion: UInt32
    private let flags: UInt64

    /// All names can be made ones to look up again (FUSE_NOTIFY_INC_EPOCH, Linux 6.16).
    package var epochs: Bool { minorVersion >= 44 && !isRefused("epochs") }
    /// LOOKUPs and READDIRs of one folder may run side by side.
    package var parallelDirectoryOperations: Bool { has(18) && !isRefused("parallel-dirops") }
    /// Files can be read by the kernel itself (Linux 6.9).
    package var passthrough: Bool { has(37) && !isRefused("passthrough") }

    /// Capabilities that are not to be seen, separated by commas: `SERVERFS_REFUSE_CAPABILITIES`. With it the tests make of
    /// this kernel one that offers less.
    private let refused: Set<Substring>

    /// Reads an INIT request, header included; nil when it is not one.
    init?(request: UnsafeRawBufferPointer) {
        // The header's 40 bytes, then major, minor, max_readahead, flags and, when bit 30 of them says so, flags2.
        guard request.count >= 56, request.loadUnaligned(fromByteOffset: 4, as: UInt32.self) == Self.opcode else {
            return nil
        }
        refused = Set(getenv("SERVERFS_REFUSE_CAPABILITIES").map { String(cString: $0) }?.split(separator: ",") ?? [])
        minorVersion = request.loadUnaligned(fromByteOffset: 44, as: UInt32.self)
        var flags = UInt64(request.loadUnaligned(fromByteOffset: 52, as: UInt32.self))
        if flags & (1 << 30) != 0, request.count >= 60 {
            flags |= UInt64(request.loadUnaligned(fromByteOffset: 56, as: UInt32.self)) << 32
        }
        self.flags = flags
    }

    private func isRefused(_ name: Substring) -> Bool { refused.contains(name) }

    private func has(_ bit: UInt64) -> Bool { flags & (1 << bit) != 0 }

    /// FUSE_INIT
    static let opcode: UInt32 = 26
}

/// What is added to libfuse's answer to INIT, because libfuse 3.14 does not send it.
struct InitAmendment: Sendable {
    var parallelDirectoryOperations = false
    var passthrough = false

    /// Changes the reply's `struct fuse_init_out` in place: flags at byte 12, flags2 at 32, max_stack_depth at 36.
    func apply(to reply: UnsafeMutableRawBufferPointer) {
        guard reply.count >= 40 else { return }
        var flags = reply.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
        var flags2 = reply.loadUnaligned(fromByteOffset: 32, as: UInt32.self)
        if parallelDirectoryOperations { flags |= 1 << 18 }
        if passthrough {
            flags |= 1 << 30
            flags2 |= 1 << (37 - 32)
            // The docroot's file system may itself be stacked once.
            reply.storeBytes(of: 2, toByteOffset: 36, as: UInt32.self)
        }
        reply.storeBytes(of: flags, toByteOffset: 12, as: UInt32.self)
        reply.storeBytes(of: flags2, toByteOffset: 32, as: UInt32.self)
    }
}

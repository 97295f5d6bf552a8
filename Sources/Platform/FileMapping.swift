import CKernel
import Glibc

/// A stretch of a file, mapped for reading (`mmap(2)`); unmapped with its last user. Any thread.
///
/// Whoever touches a page of it that lies behind the end of a file which was cut short is killed by SIGBUS: what is read
/// there is read by the kernel (`vmsplice(2)`, `writev(2)`, which fail with EFAULT), or by `byte(at:)`.
///
/// Never of a file whose file system is answered for by this process: a page that is missing is waited for with the
/// process's memory map locked at worst, and who answers may need it.
package final class FileMapping: Sendable {
    private let address: UInt
    /// As mapped, whether or not the file reaches to its end.
    package let byteCount: Int

    package var base: UnsafeRawPointer { UnsafeRawPointer(bitPattern: address)! }

    /// - Parameters:
    ///   - offset: where it begins in the file: a multiple of the page size.
    ///   - byteCount: at least 1.
    /// - Throws: ENODEV where the file system has no mappings, ENOMEM when there are too many (vm.max_map_count) …
    package init(_ descriptor: CInt, offset: Int64 = 0, byteCount: Int) throws(Errno) {
        assert(ThreadRules.mayUse(descriptor), "a file of the mount is mapped by a FUSE thread or with a lock held")
        let mapped = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, off_t(offset))
        guard let mapped, mapped != MAP_FAILED else { throw Errno(rawValue: errno) }
        address = UInt(bitPattern: mapped)
        self.byteCount = byteCount
    }

    deinit { munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount) }

    /// Makes sure that the pages of a range are there (`madvise(2)`, MADV_POPULATE_READ, Linux 5.14).
    package func populate(_ start: Int, count: Int) -> Bool {
        guard count > 0 else { return true }
        let page = 4096
        let first = start / page * page
        return kernel_populate(base + first, start - first + count) == 0
    }

    /// The byte at `offset`; nil where the file ends before its page, or cannot be read.
    ///
    /// Never to be inlinable: the C functions behind it keep variables, of which every module would have its own.
    @inline(never)
    package func byte(at offset: Int) -> UInt8? {
        precondition((0..<byteCount).contains(offset))
        _ = Self.catchesFailures
        return UInt8(exactly: kernel_load(base + offset))
    }

    /// The process's SIGBUS handler, for as long as it lives: a SIGBUS that is none of `byte(at:)` does what it did before.
    private static let catchesFailures: Void = {
        _ = kernel_catch_load_failures()
    }()
}

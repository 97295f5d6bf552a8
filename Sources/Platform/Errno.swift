package import SystemPackage

/// An error number of the C library, from swift-system: every system-call wrapper throws it and nothing else.
package typealias Errno = SystemPackage.Errno

extension Errno {
    /// Turns the result of a `kernel_…` call, which is the negated errno when it failed, into a value or an error.
    ///
    /// EBADF and EFAULT can only be bugs of ours and trap.
    package static func check(_ result: Int) throws(Errno) -> Int {
        if result >= 0 { return result }
        throw failure(CInt(truncatingIfNeeded: -result))
    }

    /// The error of a system call that returned `code`, after the trap for those that can only be bugs of ours.
    package static func failure(_ code: CInt) -> Errno {
        let error = Errno(rawValue: code)
        precondition(error != .badFileDescriptor && error != .badAddress, "a system call was given a bad argument")
        return error
    }
}

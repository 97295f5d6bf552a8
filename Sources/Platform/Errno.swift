package import SystemPackage

/// An error number of the C library, from swift-system: every system-call wrapper throws it and nothing else.
package typealias Errno = SystemPackage.Errno

extension Errno {
    /// Turns the result of a `kernel_…` call, which is the negated errno when it failed, into a value or an error.
    package static func check(_ result: Int) throws(Errno) -> Int {
        if result >= 0 { return result }
        throw Errno(rawValue: CInt(truncatingIfNeeded: -result))
    }

    /// The error of a call that touches only descriptors and memory of our own, as those on sockets do: EBADF and EFAULT can
    /// only be bugs then, and trap. Where a file system has a say, it may answer anything, these too.
    package static func own(_ code: CInt) -> Errno {
        let error = Errno(rawValue: code)
        precondition(error != .badFileDescriptor && error != .badAddress, "a system call was given a bad argument")
        return error
    }
}

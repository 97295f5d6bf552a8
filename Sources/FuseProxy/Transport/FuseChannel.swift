import CKernel
import Glibc
package import Platform

/// A channel of a FUSE connection: an open /dev/fuse, on one of the numbers that are kept for it as long as there is one.
/// Closed when its last user lets go. Any thread.
final class FuseChannel: Sendable {
    let rawValue: CInt
    private let hasKeptNumber: Bool

    init(_ descriptor: consuming OwnedDescriptor) {
        if let number = ChannelNumbers.take(for: descriptor.rawValue) {
            rawValue = number
            hasKeptNumber = true
        } else {
            rawValue = descriptor.release()
            hasKeptNumber = false
        }
    }

    deinit {
        if hasKeptNumber {
            ChannelNumbers.giveBack(rawValue)
        } else {
            OwnedDescriptor(adopting: rawValue).close()
        }
    }
}

/// Low descriptor numbers that are kept for the channels of /dev/fuse, so that no file of the mount has a lower one.
///
/// When a process ends, the kernel closes its descriptors from the lowest number on. What the close of a mount's file asks
/// for, nobody would be left to answer; but by then all channels are closed, and so the connection has ended.
///
/// A number without a channel is open on /dev/null, so that nothing else can take it. Of the whole process, as descriptors
/// are. Any thread.
package enum ChannelNumbers {
    private struct State {
        /// /dev/null, for as long as the process lives.
        var placeholder: CInt?
        /// Those kept numbers that have no channel.
        var free: [CInt] = []
    }

    private static let state = Guarded(State())

    /// Keeps the `count` lowest numbers that are free now. To be called once, before anything is opened that is not kept open
    /// until the process ends.
    ///
    /// - Throws: EMFILE.
    package static func keep(_ count: Int) throws(Errno) {
        let placeholder = try placeholder()
        for _ in 0..<count {
            let number = try Files.duplicate(placeholder).release()
            state.withLock { $0.free.append(number) }
        }
    }

    /// Puts `channel` on a kept number too.
    ///
    /// - Returns: nil when no number is left, which only a second mount of one process can bring about.
    fileprivate static func take(for channel: CInt) -> CInt? {
        guard let number = state.withLock({ $0.free.popLast() }) else { return nil }
        put(channel, on: number)
        return number
    }

    /// Closes the channel on a kept number, which is kept on.
    fileprivate static func giveBack(_ number: CInt) {
        guard let placeholder = state.withLock({ $0.placeholder }) else { return }
        put(placeholder, on: number)
        state.withLock { $0.free.append(number) }
    }

    /// Closes what is open on `number`, which somebody else will close once more: until then, /dev/null is on it.
    static func close(leaving number: CInt) throws(Errno) { put(try placeholder(), on: number) }

    private static func placeholder() throws(Errno) -> CInt {
        if let placeholder = state.withLock({ $0.placeholder }) { return placeholder }
        let opened = try Files.open("/dev/null", flags: O_RDONLY).release()
        return state.withLock { state in
            // Two that come first leave one open, which is no harm.
            state.placeholder = state.placeholder ?? opened
            return state.placeholder!
        }
    }

    /// In one step: nobody finds `number` free in between.
    private static func put(_ descriptor: CInt, on number: CInt) {
        let result = kernel_duplicate_onto(descriptor, number)
        precondition(result == Int(number), "a kept descriptor number was closed")
    }
}

import Platform

/// The mapping of a small file that is kept open, to send it from. Any thread.
///
/// A mapping does not end where its file does: of a file that was cut short inside its last page the rest of that page reads as
/// zeros. So the file's last byte, which must not be zero, is remembered: it is zero, or its page gone, if the file was cut.
final class MappedFile: Sendable {
    let pages: FileMapping
    private let lastByte: UInt8
    private let budget: CountBudget

    /// - Parameters:
    ///   - size: the file's, in bytes: more than 0.
    ///   - budget: in which one is reserved for it: given back with the last user, or now.
    /// - Returns: nil when the file is not to be mapped: its last byte is zero, or the kernel refuses.
    init?(_ descriptor: CInt, size: Int, budget: CountBudget) {
        guard let pages = try? FileMapping(descriptor, byteCount: size), let lastByte = pages.byte(at: size - 1),
            lastByte != 0
        else {
            budget.giveBack()
            return nil
        }
        self.pages = pages
        self.lastByte = lastByte
        self.budget = budget
    }

    deinit { budget.giveBack() }

    /// Whether the file still is as long as it was, or longer.
    var isWhole: Bool { pages.byte(at: pages.byteCount - 1) == lastByte }
}

/// What a kernel's FUSE may do when a file is cut while it is read: a READ that meets the new end is told short, and where an
/// invalidation has overtaken the answer, the kernel takes the rest, up to the size that it still goes by, to be zeros. The
/// proxy fails such a READ (`ProxyOperations.checkEnd`), unless the kernel was told the new size and an invalidation has overtaken
/// that answer too: of which nobody but the kernel knows. That was seen once in 40,000 responses with a file that was cut several
/// hundred times a second.
enum ZeroFill {
    /// How many there may be among so many.
    static func bound(responses: Int) -> Int { 1 + responses / 20_000 }

    private static let page = 4096

    /// How many bytes come before the zeros that fill whole pages up to the end; nil when there are none such.
    static func start(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let zeros = bytes.reversed().prefix { $0 == 0 }.count
        let start = (bytes.count - zeros + page - 1) / page * page
        return zeros > 0 && start < bytes.count ? start : nil
    }
}

/// What a kernel's FUSE may do when a file is cut while it is read: a READ that meets the new end is told short, and where an
/// invalidation has overtaken the answer, the kernel takes the rest, up to the size that it still goes by, to be zeros. The
/// proxy fails such a READ (`ProxyOperations.checkEnd`), also where the kernel was told the new size and an invalidation may have
/// overtaken that answer too (`SizeDoubts`). What is left was seen once in 80,000 responses on a
/// busy machine, with a file that was cut several hundred times a second; before it was once in 15,000.
enum ZeroFill {
    /// How many there may be among so many.
    static func bound(responses: Int) -> Int { 1 + responses / 50_000 }

    private static let page = 4096

    /// How many bytes come before the zeros that fill whole pages up to the end; nil when there are none such.
    static func start(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let zeros = bytes.reversed().prefix { $0 == 0 }.count
        let start = (bytes.count - zeros + page - 1) / page * page
        return zeros > 0 && start < bytes.count ? start : nil
    }
}

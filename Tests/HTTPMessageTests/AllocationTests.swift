import Glibc
import HTTPMessage
import Testing

/// Takes all memory that malloc can still give, so that one more allocation ends the process.
private func exhaustHeap() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(UInt32(RLIMIT_AS.rawValue)), &limit)
    setrlimit(__rlimit_resource_t(UInt32(RLIMIT_DATA.rawValue)), &limit)
    var size = 1 << 24
    var blocks: UnsafeMutableRawPointer?
    while size >= MemoryLayout<UnsafeMutableRawPointer>.size {
        // The blocks are kept in a list: unused ones the optimizer would take away together with their malloc.
        while let block = malloc(size) {
            block.storeBytes(of: blocks, as: UnsafeMutableRawPointer?.self)
            blocks = block
        }
        size /= 2
    }
    exhaustedBlocks = blocks
}

/// The blocks that `exhaustHeap` took. Written once, in a process of its own.
nonisolated(unsafe) private var exhaustedBlocks: UnsafeMutableRawPointer?

/// All that a good request runs through; false when something is not as expected.
private func serve(_ bytes: RawSpan, output: UnsafeMutableRawBufferPointer) -> Bool {
    let tag = EntityTag(size: 1000, modificationTimeNanoseconds: 0x17d3_a2b4_c5e6_f708)
    guard case .complete(let head) = RequestParser.parse(bytes) else { return false }
    guard let path = try? RequestPath.decode(target: bytes.extracting(head.target.range), into: output) else {
        return false
    }
    let type = MediaType.named(byPath: UnsafeRawBufferPointer(rebasing: output[..<path.byteCount]).bytes)
    let outcome = Conditional.evaluate(
        head, in: bytes, entityTag: tag, lastModifiedSeconds: 784_111_778, nowSeconds: 1_784_000_000)
    let range = Conditional.range(
        head, in: bytes, entityTag: tag, lastModifiedSeconds: 784_111_778, nowSeconds: 1_784_000_000)
    guard case .partial(let first, let count) = range else { return false }
    var writer = ResponseHeadWriter(output)
    writer.statusLine(.partialContent)
    writer.field("Content-Type", type)
    writer.field("Content-Length", decimal: count)
    writer.field("Last-Modified", dateSeconds: 784_111_778)
    writer.contentRange(first: first, count: count, size: tag.size)
    writer.entityTag(tag)
    writer.endOfHead()
    return outcome == .proceed && !writer.overflowed
}

private let conditionalHead: StaticString = """
    GET /a/%62.js?v=1 HTTP/1.1\r
    Host: static.example.org:8080\r
    Connection: keep-alive\r
    If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r
    Range: bytes=0-99\r
    If-Range: "17d3a2b4c5e6f708-3e8"\r
    \r

    """

/// Serves requests before and after the heap is gone; whether all went well.
private func serveWithoutHeap() -> Bool {
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
    let text = UnsafeRawBufferPointer(start: conditionalHead.utf8Start, count: conditionalHead.utf8CodeUnitCount)
    // The first request builds the table of media types and makes the stack grow.
    var isGood = serve(text.bytes, output: output)
    exhaustHeap()
    for _ in 0..<100 { isGood = serve(text.bytes, output: output) && isGood }
    return isGood
}

@Suite struct AllocationTests {
    @Test func aGoodRequestIsServedWithoutAnAllocation() async {
        await #expect(processExitsWith: .success) { _exit(serveWithoutHeap() ? 0 : 2) }
    }

    @Test func anAllocationWithoutHeapEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            exhaustHeap()
            withExtendedLifetime([UInt8](repeating: 1, count: Int.random(in: 1...2))) { _exit(0) }
        }
    }
}
